/** What a window shows first: an example that one press of Run makes a picture of. */

import { openText } from "~/document/formats/open"
import type { App } from "~/state/app"
import example from "../../../workflows/text_to_image.json?raw"

/** Show the example, unless something is on the canvas already. */
export function openFirst(app: App): void {
  if (app.editor.graph.nodes.size > 0) return
  app.editor.replace(openText(example, app.state.definitions).workflow)
}
