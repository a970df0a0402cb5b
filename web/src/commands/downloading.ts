/** Files for the user's own machine. */

import type { App } from "~/state/app"
import { words } from "~/words/words"

/** Have the browser keep a file. */
export function download(content: BlobPart, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => { URL.revokeObjectURL(url) }, 60_000) // browsers read it after the click
}

/** What a file of the shown workflow is called. */
export function fileName(app: App, ending: string): string {
  const name = app.active.name === "" ? words.app.untitled : app.active.name
  return `${name.replaceAll("/", " - ")}${ending}`
}
