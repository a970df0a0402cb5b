/** Texts with alternatives, `a {red|green} ball`: comments go, and one alternative of each group stays. */

export type Choose = (alternatives: readonly string[]) => string

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/g
const TOKEN = /\\[{}|]|[{}|]|[^\\{}|]+|\\/g

/**
 * Replace every `{a|b|c}` by what `choose` picks of its alternatives, inner groups before outer ones.
 *
 * `\{`, `\}` and `\|` are plain characters. A group that is not closed runs to the end of the text.
 */
export function chooseAlternatives(text: string, choose: Choose): string {
  const groups: string[][] = [[""]] // the alternatives so far of each open group; the first is the text itself
  const append = (more: string): void => {
    const group = groups.at(-1) ?? []
    group.push((group.pop() ?? "") + more)
  }
  for (const [token] of text.replace(COMMENT, "").matchAll(TOKEN)) {
    if (token === "{") groups.push([""])
    else if (token === "|" && groups.length > 1) groups.at(-1)?.push("")
    else if (token === "}" && groups.length > 1) append(choose(groups.pop() ?? []))
    else append(token.length === 2 && token.startsWith("\\") ? token.slice(1) : token)
  }
  while (groups.length > 1) append(choose(groups.pop() ?? []))
  return groups[0]?.[0] ?? ""
}

export function chooseByChance(alternatives: readonly string[]): string {
  return alternatives[Math.floor(Math.random() * alternatives.length)] ?? ""
}
