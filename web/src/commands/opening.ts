/** Files from the user's own machine: workflows are opened in tabs, other pictures become nodes that load them. */

import { headerLength, NothingCarried, openBytes, type Opened } from "~/document/formats/open"
import type { Point } from "~/document/workflow"
import { addPicture } from "~/state/adding"
import type { App } from "~/state/app"
import { words } from "~/words/words"

/** What is offered where files are chosen. */
export const OPENED_TYPES =
  "application/json,image/*,video/mp4,video/quicktime,video/webm,audio/flac,audio/ogg,audio/mpeg,.json,.glb,.latent,.safetensors"

const STEP = 40 // between the nodes of several pictures

/** Open each file that holds a workflow; a picture without one becomes a node at the point. What is neither is told. */
export async function openFiles(app: App, files: readonly File[], at?: Point): Promise<void> {
  let pictures = 0
  for (const file of files) {
    try {
      const opened = await openFile(app, file)
      if (opened !== null) {
        app.open(opened.workflow, file.name.replace(/\.[a-z0-9]+$/i, ""))
        if (opened.kind === "prompt") app.tell("info", `${words.files.opened(file.name)}. ${words.files.made}`)
      } else if (await addPicture(app, file, at && { x: at.x + pictures * STEP, y: at.y + pictures * STEP })) {
        pictures += 1
      }
    } catch (error) {
      app.tell("error", `${file.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** Open one file; null for a picture that carries nothing. */
async function openFile(app: App, file: File): Promise<Opened | null> {
  const isPicture = file.type.startsWith("image/") && !file.type.startsWith("image/svg")
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer())
  const bytes = new Uint8Array(await file.slice(0, headerLength(head) ?? file.size).arrayBuffer())
  try {
    return openBytes(bytes, app.state.definitions)
  } catch (error) {
    if (isPicture && error instanceof NothingCarried) return null
    throw error
  }
}
