/** Files from the user's own machine, opened in tabs. */

import { openBytes } from "~/document/formats/open"
import type { App } from "~/state/app"
import { words } from "~/words/words"

/** Open each file that holds a workflow; what does not is told. */
export async function openFiles(app: App, files: readonly File[]): Promise<void> {
  for (const file of files) {
    const name = file.name.replace(/\.(json|png|webp)$/i, "")
    try {
      const { workflow, kind } = openBytes(new Uint8Array(await file.arrayBuffer()), app.state.definitions)
      app.open(workflow, name)
      if (kind === "prompt") app.tell("info", `${words.files.opened(file.name)}. ${words.files.made}`)
    } catch (error) {
      app.tell("error", `${file.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
