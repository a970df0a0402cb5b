/** Node types that editors have of their own; prompts never hold them. */

import type { Definition } from "~/document/schema/definition"

export const NOTE = "Note"
export const MARKDOWN_NOTE = "MarkdownNote"
export const REROUTE = "Reroute"
export const PRIMITIVE = "PrimitiveNode"
export const SETTER = "SetNode"
export const GETTER = "GetNode"

const OF_THE_EDITOR = new Set([NOTE, MARKDOWN_NOTE, REROUTE, PRIMITIVE])
const OF_PACKS = new Set([
  ...[SETTER, GETTER, "Reroute (rgthree)", "Label (rgthree)", "Bookmark (rgthree)", "Fast Muter (rgthree)"],
  ...["Fast Bypasser (rgthree)", "Fast Groups Muter (rgthree)", "Fast Groups Bypasser (rgthree)"],
])

/** Whether a type decorates, or passes on what it is fed; a definition of a pack's type goes before. */
export function isOfEditor(type: string, definition: Definition | undefined): boolean {
  return OF_THE_EDITOR.has(type) || (OF_PACKS.has(type) && definition === undefined)
}

export function isNote(type: string): boolean {
  return type === NOTE || type === MARKDOWN_NOTE
}
