/** What the clipboard holds onto the shown graph, where the pointer is, and selected: copies of nodes, and pictures. */

import { pasteText } from "~/document/clipboard"
import { changeWidget } from "~/document/edits/reshape"
import { chosenNodes } from "~/document/edits/selection"
import { widgetsOf } from "~/document/schema/node_layout"
import { uploadKind } from "~/document/schema/uploads"
import type { Point } from "~/document/workflow"
import { addPicture } from "~/state/adding"
import type { App } from "~/state/app"

interface How {
  readonly at?: Point
  /** Whether what fed the copied feeds the copies too. */
  readonly isLinked?: boolean
}

/** Paste a text that was copied from a canvas; false for any other text. */
export function paste(app: App, text: string, { at, isLinked = false }: How = {}): boolean {
  const { editor, view } = app
  const place = at ?? view.camera?.pointer() ?? view.camera?.middle() ?? null
  const pasted = pasteText(editor.workflow, editor.graph.id, text, place, app.state.definitions, isLinked)
  if (pasted === null) return false
  app.relink(pasted.change)
  editor.select(pasted.ids)
  return true
}

/** Paste a picture: into the selected node where that loads one, else as a node of its own. False where there is none. */
export function pastePicture(app: App, files: Iterable<File>): boolean {
  const picture = [...files].find((each) => each.type.startsWith("image/"))
  if (picture === undefined) return false
  bringPasted(app, picture).catch((error: unknown) => {
    app.tell("error", `${picture.name}: ${error instanceof Error ? error.message : String(error)}`)
  })
  return true
}

async function bringPasted(app: App, picture: File): Promise<void> {
  const at = app.view.camera?.pointer() ?? undefined
  const { editor, place } = app
  const nodes = chosenNodes(place.graph, editor.state.selected)
  const found = nodes.flatMap((node) => {
    const widget = widgetsOf(place, node).find((each) => uploadKind(each) === "image")
    return widget === undefined ? [] : [{ id: node.id, widget }]
  })[0]
  if (found === undefined) {
    await addPicture(app, picture, at)
    return
  }
  const name = await app.bringFile(picture)
  const node = editor.graph.nodes.get(found.id) // as it is after the upload
  if (node === undefined) return
  editor.seal()
  editor.edit(changeWidget(app.place, node, found.widget.key, name))
}
