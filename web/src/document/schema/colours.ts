const COLOURS: Readonly<Record<string, string>> = {
  MODEL: "#b39ddb",
  CLIP: "#ffd500",
  VAE: "#ff6e6e",
  CONDITIONING: "#ffa931",
  LATENT: "#ff9cf9",
  IMAGE: "#64b5f6",
  MASK: "#81c784",
  CONTROL_NET: "#6ee7b7",
  INT: "#7fd6c2",
  FLOAT: "#a5d66f",
  STRING: "#d6c56f",
  BOOLEAN: "#d68f6f",
  COMBO: "#9aa7b8",
}

/** The colour of a type: its own, or one made from its name. */
export function colourOf(type: string): string {
  const known = COLOURS[type]
  if (known !== undefined) return known
  if (type === "*") return "#9aa7b8"
  let sum = 7
  for (let at = 0; at < type.length; at++) sum = (sum * 31 + type.charCodeAt(at)) % 360
  return `hsl(${sum} 60% 65%)`
}
