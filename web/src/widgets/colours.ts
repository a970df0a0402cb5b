/** Colours as widgets hold them: `#rrggbb`, or the same as one whole number. */

import type { Json } from "~/document/json"
import type { Widget } from "~/document/schema/layout"

export function isColour({ type, options }: Widget): boolean {
  return type === "COLOR" || (type === "INT" && options["display"] === "color")
}

/** `#rrggbb` of what a widget holds; black for what is no colour. */
export function hexOf(value: Json | undefined): string {
  if (typeof value === "number") return `#${Math.min(Math.max(Math.round(value), 0), 0xffffff).toString(16).padStart(6, "0")}`
  return (typeof value === "string" ? readHex(value) : null) ?? "#000000"
}

/** `#rrggbb` of a text, with or without the sign, with three digits or six; null for any other. */
export function readHex(text: string): string | null {
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1]?.toLowerCase()
  if (digits === undefined) return null
  return `#${digits.length === 3 ? digits.replace(/./g, "$&$&") : digits}`
}

/** What a widget holds for a colour. */
export function colourValue({ type }: Widget, hex: string): Json {
  return type === "INT" ? Number.parseInt(hex.slice(1), 16) : hex
}
