/** Links as curves between sockets, through their reroutes. */

import { pointsOf } from "~/document/edits/drawn"
import type { Box, Socket } from "~/document/picture/boxes"
import type { Graph, Link, NodeId, Point } from "~/document/workflow"

/** The points of a link, sockets included; null where an end is not drawn. */
export function bendsOf(graph: Graph, link: Link, boxes: ReadonlyMap<NodeId, Box>): Point[] | null {
  const [from, to] = [boxes.get(link.from.node), boxes.get(link.to.node)]
  const start = from?.outputs[link.from.output]
  const end = to?.inputs.get(link.to.input)
  if (from === undefined || to === undefined || start === undefined || end === undefined) return null
  return [inGraph(from, start), ...(link.via === undefined ? [] : pointsOf(graph, link.id)), inGraph(to, end)]
}

function inGraph({ rect }: Box, socket: Socket): Point {
  return { x: rect.x + socket.x, y: rect.y + socket.y }
}

/** A path of SVG: out to the right, and in from the left. */
export function curve(points: readonly Point[]): string {
  return points
    .slice(1)
    .map((to, at) => {
      const from = points[at] ?? to
      const reach = to.x > from.x ? (to.x - from.x) / 2 : 6 * Math.sqrt(from.x - to.x)
      return `M${from.x} ${from.y}C${from.x + reach} ${from.y} ${to.x - reach} ${to.y} ${to.x} ${to.y}`
    })
    .join("")
}
