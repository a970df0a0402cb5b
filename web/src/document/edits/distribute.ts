/** Has nodes stand with the same gaps between them. */

import type { Change } from "~/document/change"
import { moveNodes } from "~/document/edits/nodes"
import type { Graph, Node, NodeId, Point, Size } from "~/document/workflow"

/** Spread nodes between the first and the last of them, which stay where they are. */
export function distribute(graph: Graph, nodes: readonly Node[], way: "across" | "down", sizeOf: (node: Node) => Size): Change {
  const start = ({ at }: Node): number => (way === "across" ? at.x : at.y)
  const length = (node: Node): number => (way === "across" ? sizeOf(node).width : sizeOf(node).height)
  const row = [...nodes].sort((a, b) => start(a) - start(b))
  const [first, last] = [row[0], row.at(-1)]
  if (first === undefined || last === undefined || row.length < 3) return moveNodes(graph, new Map())
  const gaps = start(last) + length(last) - start(first) - row.reduce((sum, node) => sum + length(node), 0)
  const gap = gaps / (row.length - 1)
  const places = new Map<NodeId, Point>()
  let next = start(first)
  for (const node of row) {
    places.set(node.id, way === "across" ? { x: Math.round(next), y: node.at.y } : { x: node.at.x, y: Math.round(next) })
    next += length(node) + gap
  }
  return moveNodes(graph, places)
}
