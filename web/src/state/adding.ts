/** Nodes out of the library onto the shown graph, and selected. */

import { batch } from "~/document/change"
import { addNode, addOnLink, type Added, type LooseEnd } from "~/document/edits/add"
import { setWidget } from "~/document/edits/nodes"
import { entriesOf, type Entry } from "~/document/library"
import type { LinkId, Node, NodeId, Point, Size } from "~/document/workflow"
import type { App } from "~/state/app"

/** What a node out of the library is called while it is dragged. */
export const DRAGGED_TYPE = "application/x-heddle-node"

const LOADER = "LoadImage"

interface Where {
  readonly at: Point
  readonly end?: LooseEnd | undefined
  /** Whether the node may be moved down, so that it covers no other. */
  readonly findsRoom?: boolean | undefined
}

/** Add a node at a place; unless said in the middle of what is seen, where it covers no other. */
export function addFromLibrary(app: App, entry: Entry, where?: Where): NodeId {
  const { editor } = app
  const { change, id } = added(app, entry, where)
  app.relink(change)
  editor.select([id])
  return id
}

function added(app: App, entry: Entry, where: Where | undefined): Added {
  const { editor, view } = app
  const { at, end, findsRoom } = where ?? { at: view.camera?.middle() ?? { x: 0, y: 0 }, end: undefined, findsRoom: true }
  return addNode(editor.workflow, editor.graph.id, entry, at, end, findsRoom === true ? sizesIn(app) : undefined)
}

/** How large nodes are drawn, or would be. */
function sizesIn({ view }: App): (node: Node) => Size {
  return (node) => view.camera?.sizeOf(node.id) ?? node.size
}

/** Add a node into a link that it was dropped on. */
export function addIntoLink(app: App, entry: Entry, at: Point, link: LinkId): void {
  const { editor } = app
  const { change, id } = addOnLink(editor.workflow, editor.graph.id, entry, at, link)
  app.relink(change)
  editor.select([id])
}

/** Add a node that loads a picture, which is brought to the server. False where no such type is installed. */
export async function addPicture(app: App, file: File, at?: Point): Promise<boolean> {
  const name = await app.bringFile(file)
  const entry = entriesOf(app.state.definitions).find((each) => each.type === LOADER)
  if (entry === undefined) return false
  const { editor } = app
  const { change, id } = added(app, entry, at && { at })
  editor.edit(batch(change, setWidget(editor.graph, id, "image", name)))
  editor.select([id])
  return true
}
