/** Changes of what is drawn alone: groups, and reroutes on links. */

import { batch, type Change, type GroupFields } from "~/document/change"
import { newGroupId, newRerouteId } from "~/document/ids"
import type { Graph, Group, GroupId, LinkId, NodeId, Point, Rect, RerouteId } from "~/document/workflow"

/** Draw a group; its nodes are those that lie inside. */
export function addGroup(graph: Graph, box: Rect, title: string): { change: Change; id: GroupId } {
  const id = newGroupId(graph)
  const { x, y, width, height } = box
  const group: Group = { id, title, at: { x, y }, size: { width, height }, color: "#3f789e" }
  return { change: { type: "add-group", graph: graph.id, group }, id }
}

export function editGroup(graph: Graph, id: GroupId, set: GroupFields): Change {
  return { type: "edit-group", graph: graph.id, id, set }
}

export function removeGroup(graph: Graph, id: GroupId): Change {
  return { type: "remove-group", graph: graph.id, id }
}

/** The nodes that lie in a group: their middle decides. */
export function nodesInside(graph: Graph, group: Group): NodeId[] {
  const { at, size } = group
  return [...graph.nodes.values()].flatMap((node) => {
    const x = node.at.x + node.size.width / 2
    const y = node.at.y + node.size.height / 2
    const isInside = x >= at.x && x <= at.x + size.width && y >= at.y && y <= at.y + size.height
    return isInside ? [node.id] : []
  })
}

/** Move a group with the nodes and reroutes in it. */
export function moveGroup(graph: Graph, id: GroupId, to: Point, inside: Iterable<NodeId>): Change {
  const group = graph.groups.get(id)
  if (group === undefined) return batch()
  const [dx, dy] = [to.x - group.at.x, to.y - group.at.y]
  const moved = [...inside].flatMap((each) => {
    const node = graph.nodes.get(each)
    if (node === undefined) return []
    return [{ type: "edit-node", graph: graph.id, id: each, set: { at: { x: node.at.x + dx, y: node.at.y + dy } } } as const]
  })
  return batch({ type: "edit-group", graph: graph.id, id, set: { at: to } }, ...moved)
}

/** Put a point into a link, next to its target. */
export function addReroute(graph: Graph, link: LinkId, at: Point): { change: Change; id: RerouteId } {
  const id = newRerouteId(graph)
  const parent = graph.links.get(link)?.via
  const reroute = { id, at, ...(parent === undefined ? {} : { parent }) }
  return {
    change: batch({ type: "add-reroute", graph: graph.id, reroute }, { type: "edit-link", graph: graph.id, id: link, set: { via: id } }),
    id,
  }
}

export function moveReroute(graph: Graph, id: RerouteId, at: Point): Change {
  return { type: "edit-reroute", graph: graph.id, id, set: { at } }
}

export function removeReroute(graph: Graph, id: RerouteId): Change {
  return { type: "remove-reroute", graph: graph.id, id }
}

/** The points of a link from its origin to its target. */
export function pointsOf(graph: Graph, link: LinkId): Point[] {
  const points: Point[] = []
  const seen = new Set<RerouteId>()
  for (let id = graph.links.get(link)?.via; id !== undefined && !seen.has(id); id = graph.reroutes.get(id)?.parent) {
    seen.add(id)
    const reroute = graph.reroutes.get(id)
    if (reroute !== undefined) points.unshift(reroute.at)
  }
  return points
}
