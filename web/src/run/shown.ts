/** The files among what a node shows of a run, whatever it calls them: `images`, `audio`, `video`, `gifs`, `3d` and others. */

import { mediumOf, type Medium } from "~/document/media"
import type { FileItem, NodeOutput } from "~/run/run"

export interface ShownFile {
  readonly file: FileItem
  readonly medium: Medium
}

export function filesIn(output: NodeOutput): ShownFile[] {
  const seen = new Set<string>()
  return Object.values(output).flatMap((value: unknown) => (Array.isArray(value) ? value.flatMap((each: unknown) => fileIn(each)) : [])).filter(({ file }) => {
    const name = `${file.type}/${file.subfolder}/${file.filename}`
    return !seen.has(name) && seen.add(name) // some packs name a film twice, as `gifs` and as `images`
  })
}

function fileIn(value: unknown): ShownFile[] {
  if (typeof value !== "object" || value === null || !("filename" in value) || typeof value.filename !== "string") return []
  const subfolder = "subfolder" in value && typeof value.subfolder === "string" ? value.subfolder : ""
  const type = "type" in value && (value.type === "input" || value.type === "temp") ? value.type : "output"
  return [{ file: { filename: value.filename, subfolder, type }, medium: mediumOf(value.filename) }]
}
