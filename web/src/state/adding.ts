/** Nodes out of the library onto the shown graph, and selected. */

import { addNode, addOnLink, type LooseEnd } from "~/document/edits/add"
import type { Entry } from "~/document/library"
import type { Graph, LinkId, Point } from "~/document/workflow"
import type { App } from "~/state/app"

/** What a node out of the library is called while it is dragged. */
export const DRAGGED_TYPE = "application/x-heddle-node"

const STEP = 30

/** Add a node at a point; unless said in the middle of what is seen, beside what lies there. */
export function addFromLibrary(app: App, entry: Entry, at?: Point, end?: LooseEnd): void {
  const { editor, view } = app
  const place = at ?? freePlace(editor.graph, view.camera?.middle() ?? { x: 0, y: 0 })
  const { change, id } = addNode(editor.workflow, editor.graph.id, entry, place, end)
  editor.edit(change)
  editor.select([id])
}

/** Add a node into a link that it was dropped on. */
export function addIntoLink(app: App, entry: Entry, at: Point, link: LinkId): void {
  const { editor } = app
  const { change, id } = addOnLink(editor.workflow, editor.graph.id, entry, at, link)
  editor.edit(change)
  editor.select([id])
}

function freePlace(graph: Graph, at: Point): Point {
  const isTaken = ({ x, y }: Point): boolean =>
    [...graph.nodes.values()].some((node) => Math.abs(node.at.x - x) < STEP && Math.abs(node.at.y - y) < STEP)
  let place = at
  while (isTaken(place)) place = { x: place.x + STEP, y: place.y + STEP }
  return place
}
