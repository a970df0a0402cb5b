/** Ids that nothing has yet. */

import type { Graph, GroupId, LinkId, NodeId, RerouteId, Workflow } from "~/document/workflow"

/** The highest whole number among ids; others are passed over. */
function highest(ids: Iterable<string>, least = 0): number {
  let most = least
  for (const id of ids) if (/^\d{1,15}$/.test(id)) most = Math.max(most, Number(id))
  return most
}

function counter(graph: Graph, name: string, state: string): number {
  const held = graph.rest["state"]
  const found = Number(graph.rest[name] ?? (typeof held === "object" && held !== null ? (held as Record<string, unknown>)[state] : 0))
  return Number.isSafeInteger(found) ? found : 0
}

/** An id that nobody else has, for a subgraph or a slot of one. (`crypto.randomUUID` is there for https alone.) */
export function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40 // version 4
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

/** Ids for so many new nodes: unique over all graphs, as hosts and insides share the ids of runs. */
export function newNodeIds(workflow: Workflow, count: number): NodeId[] {
  let most = 0
  for (const graph of workflow.graphs.values()) {
    most = highest(graph.nodes.keys(), Math.max(most, counter(graph, "last_node_id", "lastNodeId")))
  }
  return Array.from({ length: count }, (_, at) => String(most + 1 + at))
}

export function newNodeId(workflow: Workflow): NodeId {
  return newNodeIds(workflow, 1)[0] ?? "1"
}

export function newLinkIds(graph: Graph, count: number): LinkId[] {
  const most = highest(graph.links.keys(), counter(graph, "last_link_id", "lastLinkId"))
  return Array.from({ length: count }, (_, at) => String(most + 1 + at))
}

export function newLinkId(graph: Graph): LinkId {
  return newLinkIds(graph, 1)[0] ?? "1"
}

export function newGroupId(graph: Graph): GroupId {
  return String(highest(graph.groups.keys()) + 1)
}

export function newRerouteId(graph: Graph): RerouteId {
  return String(highest(graph.reroutes.keys()) + 1)
}
