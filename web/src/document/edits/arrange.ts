/** Lays nodes out from left to right as their links run, with as few crossings as the library finds. */

import { graphlib, layout } from "@dagrejs/dagre"
import { batch, type Change } from "~/document/change"
import { nodesInside } from "~/document/edits/drawn"
import { moveNodes } from "~/document/edits/nodes"
import { TITLE_HEIGHT, type Graph, type GroupId, type Node, type NodeId, type Point, type Rect, type Size } from "~/document/workflow"

const EDGE = 24
const GROUP_TITLE = 36

/**
 * Lay out some nodes of a graph; their top left corner stays where it was. Groups whose nodes are all among them stay
 * together, and their frames are drawn anew around them.
 */
export function arrange(graph: Graph, nodes: readonly Node[], sizeOf: (node: Node) => Size): Change {
  const frames = wholeGroups(graph, new Set(nodes.map((node) => node.id)))
  const places = placesOf(graph, nodes, frames, sizeOf)
  const dx = Math.min(...nodes.map((node) => node.at.x)) - Math.min(...[...places.values()].map((each) => each.x))
  const dy = Math.min(...nodes.map((node) => node.at.y)) - Math.min(...[...places.values()].map((each) => each.y))
  const moved = new Map([...places].map(([id, { x, y }]) => [id, { x: Math.round(x + dx), y: Math.round(y + dy) }]))
  return batch(moveNodes(graph, moved), ...framed(graph, frames, moved, sizeOf))
}

/** Where the library puts the nodes: the top left corners of their bodies. */
function placesOf(graph: Graph, nodes: readonly Node[], frames: ReadonlyMap<GroupId, readonly NodeId[]>, sizeOf: (node: Node) => Size): Map<NodeId, Point> {
  const drawn = new graphlib.Graph({ multigraph: true, compound: true })
  drawn.setGraph({ rankdir: "LR", nodesep: 30, ranksep: 70 })
  drawn.setDefaultEdgeLabel(() => ({}))
  for (const node of nodes) {
    const { width, height } = sizeOf(node)
    drawn.setNode(node.id, { width, height: height + TITLE_HEIGHT })
  }
  for (const [id, inside] of frames) {
    drawn.setNode(`group:${id}`, {})
    for (const each of inside) if (drawn.parent(each) === undefined) drawn.setParent(each, `group:${id}`)
    for (const [smaller, ids] of frames) {
      if (smaller === id) break
      if (drawn.parent(`group:${smaller}`) === undefined && ids.every((each) => inside.includes(each))) drawn.setParent(`group:${smaller}`, `group:${id}`)
    }
  }
  for (const link of graph.links.values()) {
    if (drawn.hasNode(link.from.node) && drawn.hasNode(link.to.node)) drawn.setEdge(link.from.node, link.to.node, {}, link.id)
  }
  layout(drawn)
  return new Map(
    nodes.map((node) => {
      const { x, y, width, height } = drawn.node(node.id) as { x: number; y: number; width: number; height: number }
      return [node.id, { x: x - width / 2, y: y - height / 2 + TITLE_HEIGHT }]
    }),
  )
}

/** The groups that hold nothing but some nodes, the smallest first: a node belongs to the smallest around it. */
function wholeGroups(graph: Graph, nodes: ReadonlySet<NodeId>): Map<GroupId, readonly NodeId[]> {
  const inside = [...graph.groups.values()].map((group) => [group.id, nodesInside(graph, group)] as const)
  return new Map(inside.filter(([, ids]) => ids.length > 0 && ids.every((id) => nodes.has(id))).sort(([, a], [, b]) => a.length - b.length))
}

/** Frames around the new places of what is in them; a frame in a frame has room in it. */
function framed(graph: Graph, frames: ReadonlyMap<GroupId, readonly NodeId[]>, places: ReadonlyMap<NodeId, Point>, sizeOf: (node: Node) => Size): Change[] {
  const boxes = new Map<GroupId, { ids: readonly NodeId[]; box: Rect }>()
  for (const [id, ids] of frames) {
    const bodies = ids.flatMap((each): Rect[] => {
      const [node, at] = [graph.nodes.get(each), places.get(each)]
      if (node === undefined || at === undefined) return []
      const { width, height } = sizeOf(node)
      return [{ x: at.x, y: at.y - TITLE_HEIGHT, width, height: height + TITLE_HEIGHT }]
    })
    const within = [...boxes.values()].filter((smaller) => smaller.ids.every((each) => ids.includes(each))).map((each) => each.box)
    boxes.set(id, { ids, box: around([...bodies, ...within]) })
  }
  return [...boxes].map(([id, { box: { x, y, width, height } }]) => ({ type: "edit-group", graph: graph.id, id, set: { at: { x, y }, size: { width, height } } }) as const)
}

function around(boxes: readonly Rect[]): Rect {
  const left = Math.min(...boxes.map((each) => each.x)) - EDGE
  const top = Math.min(...boxes.map((each) => each.y)) - GROUP_TITLE
  const right = Math.max(...boxes.map((each) => each.x + each.width)) + EDGE
  const bottom = Math.max(...boxes.map((each) => each.y + each.height)) + EDGE
  return { x: left, y: top, width: right - left, height: bottom - top }
}
