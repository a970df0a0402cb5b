/** A mask that is painted for a node's picture: which one, and what becomes of the node when it is kept. */

import { batch } from "~/document/change"
import { changeWidget } from "~/document/edits/reshape"
import { choicesOf, type Widget } from "~/document/schema/layout"
import { valueOf, widgetsOf } from "~/document/schema/node_layout"
import { fileNamed, folderOf, nameOfFile, uploadKind, type NamedFile } from "~/document/schema/uploads"
import { graphOf, type GraphId, type NodeId } from "~/document/workflow"
import type { App } from "~/state/app"
import type { Editor } from "~/state/editor"

export interface Masking {
  readonly editor: Editor
  readonly graph: GraphId
  readonly node: NodeId
  readonly key: string
  readonly file: NamedFile
}

const FOLDER = "clipspace" // where the ecosystem's editors keep painted masks

/** What painting would begin with: the picture that a node of the shown graph loads. */
export function maskingOf(app: App, node: NodeId, key?: string): Masking | null {
  const { editor, place } = app
  const found = place.graph.nodes.get(node)
  if (found === undefined) return null
  const widget = widgetsOf(place, found).find((each) => uploadKind(each) === "image" && (key === undefined || each.key === key))
  const name = widget && valueOf(found, widget)
  if (widget === undefined || typeof name !== "string" || name === "") return null
  return { editor, graph: place.graph.id, node, key: widget.key, file: fileNamed(name, folderOf(widget)) }
}

/** Keep a picture whose transparency is the mask, and have the node load it. */
export async function keepMask(app: App, masking: Masking, mask: Blob): Promise<void> {
  const kept = await app.server.uploadMask(mask, fileFor(masking.file), masking.file, { subfolder: FOLDER })
  const { editor, key } = masking
  const place = { workflow: editor.workflow, graph: graphOf(editor.workflow, masking.graph), definitions: app.state.definitions }
  const node = place.graph.nodes.get(masking.node)
  if (node === undefined) return
  const name = nameOfFile({ filename: kept.name, subfolder: kept.subfolder, type: "input" })
  const channel = widgetsOf(place, node).find(choosesChannel)
  const change = changeWidget(place, node, key, name)
  editor.seal()
  editor.edit(channel === undefined ? change : batch(change, changeWidget(place, node, channel.key, "alpha")))
}

/** Of a node that reads one channel: the mask is in the alpha. */
function choosesChannel(widget: Widget): boolean {
  return widget.name === "channel" && choicesOf(widget).includes("alpha")
}

function fileFor({ filename }: NamedFile): string {
  const stem = filename.replace(/\.[^.]*$/, "").replace(/( \(\d+\))?$/, "").replace(/-masked$/, "")
  return `${stem}-masked.png`
}
