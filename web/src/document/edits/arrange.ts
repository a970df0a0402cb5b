/** Lays nodes out from left to right as their links run, with as few crossings as the library finds. */

import { graphlib, layout } from "@dagrejs/dagre"
import type { Change } from "~/document/change"
import { moveNodes } from "~/document/edits/nodes"
import type { Graph, Node, Size } from "~/document/workflow"

const TITLE = 30

/** Lay out some nodes of a graph; their top left corner stays where it was. */
export function arrange(graph: Graph, nodes: readonly Node[], sizeOf: (node: Node) => Size): Change {
  const drawn = new graphlib.Graph({ multigraph: true })
  drawn.setGraph({ rankdir: "LR", nodesep: 30, ranksep: 70 })
  drawn.setDefaultEdgeLabel(() => ({}))
  for (const node of nodes) {
    const { width, height } = sizeOf(node)
    drawn.setNode(node.id, { width, height: height + TITLE })
  }
  for (const link of graph.links.values()) {
    if (drawn.hasNode(link.from.node) && drawn.hasNode(link.to.node)) drawn.setEdge(link.from.node, link.to.node, {}, link.id)
  }
  layout(drawn)
  const corners = nodes.map((node) => {
    const { x, y, width, height } = drawn.node(node.id) as { x: number; y: number; width: number; height: number }
    return { id: node.id, x: x - width / 2, y: y - height / 2 + TITLE }
  })
  const dx = Math.min(...nodes.map((node) => node.at.x)) - Math.min(...corners.map((each) => each.x))
  const dy = Math.min(...nodes.map((node) => node.at.y)) - Math.min(...corners.map((each) => each.y))
  return moveNodes(graph, new Map(corners.map(({ id, x, y }) => [id, { x: Math.round(x + dx), y: Math.round(y + dy) }])))
}
