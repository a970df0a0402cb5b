/** Copies of nodes onto the shown graph, where the pointer is, and selected. */

import { pasteText } from "~/document/clipboard"
import type { Point } from "~/document/workflow"
import type { App } from "~/state/app"

/** Paste a text that was copied from a canvas; false for any other text. */
export function paste(app: App, text: string, at?: Point): boolean {
  const { editor, view } = app
  const place = at ?? view.camera?.pointer() ?? view.camera?.middle() ?? null
  const pasted = pasteText(editor.workflow, editor.graph.id, text, place, app.state.definitions)
  if (pasted === null) return false
  editor.edit(pasted.change)
  editor.select(pasted.ids)
  return true
}
