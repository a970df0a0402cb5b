/** Changes of nodes: where they lie, how they look, whether they run, and what their widgets hold. */

import { batch, type Change, type NodeFields } from "~/document/change"
import type { Json } from "~/document/json"
import { linksInto, linksOutOf } from "~/document/links"
import { bypassedInput } from "~/document/prompt/resolve"
import { newLinkIds } from "~/document/ids"
import type { Graph, Link, Node, NodeId, Point, Size } from "~/document/workflow"

function editAll(graph: Graph, ids: Iterable<NodeId>, fields: (node: Node) => NodeFields): Change {
  const changes = [...ids].flatMap((id) => {
    const node = graph.nodes.get(id)
    return node === undefined ? [] : [{ type: "edit-node", graph: graph.id, id, set: fields(node) } as const]
  })
  return batch(...changes)
}

export function moveNodes(graph: Graph, to: ReadonlyMap<NodeId, Point>): Change {
  return editAll(graph, to.keys(), (node) => ({ at: to.get(node.id) ?? node.at }))
}

export function resizeNode(graph: Graph, id: NodeId, size: Size, at?: Point): Change {
  return editAll(graph, [id], () => (at === undefined ? { size } : { size, at }))
}

/** Give a node a title; none gives it back that of its type. */
export function renameNode(graph: Graph, id: NodeId, title: string | undefined): Change {
  return editAll(graph, [id], () => ({ title: title === "" ? undefined : title }))
}

export function colourNodes(graph: Graph, ids: Iterable<NodeId>, color: string | undefined, bgcolor: string | undefined): Change {
  return editAll(graph, ids, () => ({ color, bgcolor }))
}

export function collapseNodes(graph: Graph, ids: Iterable<NodeId>, isCollapsed: boolean): Change {
  return editAll(graph, ids, (node) => ({ flags: { ...node.flags, collapsed: isCollapsed } }))
}

/** Have nodes run (0), not run (2), or hand on what they are fed (4). */
export function setMode(graph: Graph, ids: Iterable<NodeId>, mode: number): Change {
  return editAll(graph, ids, () => ({ mode }))
}

export function setWidget(graph: Graph, id: NodeId, key: string, to: Json | undefined): Change {
  return { type: "set-widget", graph: graph.id, id, key, to }
}

export function removeNodes(graph: Graph, ids: Iterable<NodeId>): Change {
  return batch(...[...ids].filter((id) => graph.nodes.has(id)).map((id) => ({ type: "remove-node", graph: graph.id, id }) as const))
}

/** Remove a node and link what it fed to what fed it, where the types allow. */
export function dissolveNode(graph: Graph, id: NodeId): Change {
  const node = graph.nodes.get(id)
  if (node === undefined) return batch()
  const fed = linksInto(graph, id)
  const bridged = linksOutOf(graph, id).flatMap((link): Omit<Link, "id">[] => {
    const input = bypassedInput(node, link.from.output, link.type)
    const source = input && fed.get(input.name)
    return source === undefined ? [] : [{ from: source.from, to: link.to, type: source.type }]
  })
  const ids = newLinkIds(graph, bridged.length)
  const links = bridged.map((link, at) => ({ type: "connect", graph: graph.id, link: { ...link, id: ids[at] ?? "" } }) as const)
  return batch({ type: "remove-node", graph: graph.id, id }, ...links)
}
