/** Names of files that nodes take: `folder/name.png`, `name.png [output]`; and the widgets that hold them. */

import { isList, type Json } from "~/document/json"
import { COMBO } from "~/document/schema/definition"
import type { Widget } from "~/document/schema/layout"

export type Folder = "input" | "output" | "temp"

/** A file as the server knows it. */
export interface NamedFile {
  readonly filename: string
  readonly subfolder: string
  readonly type: Folder
}

export type UploadKind = "image" | "video" | "audio" | "file"

const OPTIONS: readonly (readonly [string, UploadKind])[] = [
  ["image_upload", "image"],
  ["animated_image_upload", "image"],
  ["video_upload", "video"],
  ["audio_upload", "audio"],
  ["file_upload", "file"],
]

/** What may be brought for a widget; undefined where nothing is. */
export function uploadKind({ type, options }: Widget): UploadKind | undefined {
  return type === COMBO ? OPTIONS.find(([option]) => options[option] === true)?.[1] : undefined
}

/** The file that a name means. Without a word in brackets it lies where the widget's own files do. */
export function fileNamed(name: string, folder: Folder = "input"): NamedFile {
  const [, path = name, type = folder] = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(name) ?? []
  const cut = path.lastIndexOf("/")
  return { filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(cut, 0)), type: type as Folder }
}

/** Where the files of a widget lie that say nothing else. */
export function folderOf({ options }: Widget): Folder {
  const said = options["image_folder"]
  return said === "output" || said === "temp" ? said : "input"
}

/** The name that means a file, with the folder in brackets where it might be mistaken. */
export function nameOfFile({ filename, subfolder, type }: NamedFile): string {
  const path = subfolder === "" ? filename : `${subfolder}/${filename}`
  return subfolder === "" && type === "input" ? path : `${path} [${type}]`
}

/**
 * Whether a widget's value is known not to be there. Lists of files hold what lies directly in the folder, so nothing is
 * known of files in others.
 */
export function isAbsent(widget: Widget, value: Json | undefined): boolean {
  const choices = widget.options["options"]
  if (widget.type !== COMBO || typeof value !== "string" || widget.options["remote"] !== undefined) return false
  if (isList(choices) && choices.includes(value)) return false
  return uploadKind(widget) === undefined || !/\/| \[(input|output|temp)\]$/.test(value)
}
