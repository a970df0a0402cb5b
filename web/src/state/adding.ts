/** Nodes out of the library onto the shown graph, and selected. */

import { addNode, addOnLink, type LooseEnd } from "~/document/edits/add"
import type { Entry } from "~/document/library"
import type { LinkId, Node, NodeId, Point, Size } from "~/document/workflow"
import type { App } from "~/state/app"

/** What a node out of the library is called while it is dragged. */
export const DRAGGED_TYPE = "application/x-heddle-node"

interface Where {
  readonly at: Point
  readonly end?: LooseEnd | undefined
  /** Whether the node may be moved down, so that it covers no other. */
  readonly findsRoom?: boolean | undefined
}

/** Add a node at a place; unless said in the middle of what is seen, where it covers no other. */
export function addFromLibrary(app: App, entry: Entry, where?: Where): NodeId {
  const { editor, view } = app
  const { at, end, findsRoom } = where ?? { at: view.camera?.middle() ?? { x: 0, y: 0 }, end: undefined, findsRoom: true }
  const { change, id } = addNode(editor.workflow, editor.graph.id, entry, at, end, findsRoom === true ? sizesIn(app) : undefined)
  editor.edit(change)
  editor.select([id])
  return id
}

/** How large nodes are drawn, or would be. */
function sizesIn({ view }: App): (node: Node) => Size {
  return (node) => view.camera?.sizeOf(node.id) ?? node.size
}

/** Add a node into a link that it was dropped on. */
export function addIntoLink(app: App, entry: Entry, at: Point, link: LinkId): void {
  const { editor } = app
  const { change, id } = addOnLink(editor.workflow, editor.graph.id, entry, at, link)
  editor.edit(change)
  editor.select([id])
}
