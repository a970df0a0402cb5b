/** Where there is room for one more node. */

import { TITLE_HEIGHT, type Graph, type Node, type Point, type Size } from "~/document/workflow"

const GAP = 30

/** The first place from a point downwards where a node of a size covers no other. */
export function roomBelow(graph: Graph, at: Point, size: Size, sizeOf: (node: Node) => Size): Point {
  const nodes = [...graph.nodes.values()].sort((a, b) => a.at.y - b.at.y)
  let y = at.y
  for (const node of nodes) {
    const { width, height } = sizeOf(node)
    const isBeside = node.at.x >= at.x + size.width + GAP || node.at.x + width + GAP <= at.x
    const isAbove = node.at.y + height + GAP + TITLE_HEIGHT <= y
    const isBelow = node.at.y >= y + size.height + GAP + TITLE_HEIGHT
    if (!isBeside && !isAbove && !isBelow) y = node.at.y + height + GAP + TITLE_HEIGHT
  }
  return { x: at.x, y }
}
