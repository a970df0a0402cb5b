/** Which links end where, looked up once for each set of links; and where chains of reroutes lead. */

import type { Graph, Link, LinkId, NodeId, Reroute, RerouteId } from "~/document/workflow"

interface Ends {
  readonly into: ReadonlyMap<NodeId, ReadonlyMap<string, Link>>
  readonly outOf: ReadonlyMap<NodeId, readonly Link[]>
}

const looked = new WeakMap<ReadonlyMap<LinkId, Link>, Ends>()
const NONE: ReadonlyMap<string, Link> = new Map()

function ends(graph: Graph): Ends {
  const known = looked.get(graph.links)
  if (known !== undefined) return known
  const into = new Map<NodeId, Map<string, Link>>()
  const outOf = new Map<NodeId, Link[]>()
  for (const link of graph.links.values()) {
    into.set(link.to.node, (into.get(link.to.node) ?? new Map<string, Link>()).set(link.to.input, link))
    outOf.set(link.from.node, [...(outOf.get(link.from.node) ?? []), link])
  }
  const found = { into, outOf }
  looked.set(graph.links, found)
  return found
}

/** The links that end on a node, by the name of the input. */
export function linksInto(graph: Graph, node: NodeId): ReadonlyMap<string, Link> {
  return ends(graph).into.get(node) ?? NONE
}

export function linkInto(graph: Graph, node: NodeId, input: string): Link | undefined {
  return linksInto(graph, node).get(input)
}

/** The links that begin at a node, or at one of its outputs. */
export function linksOutOf(graph: Graph, node: NodeId, output?: number): readonly Link[] {
  const found = ends(graph).outOf.get(node) ?? []
  return output === undefined ? found : found.filter((link) => link.from.output === output)
}

/** Whether a chain of reroutes, followed towards the origin, comes to one of them. */
export function leadsTo(reroutes: ReadonlyMap<RerouteId, Reroute>, start: RerouteId | undefined, id: RerouteId): boolean {
  const seen = new Set<RerouteId>()
  for (let at = start; at !== undefined && !seen.has(at); at = reroutes.get(at)?.parent) {
    if (at === id) return true
    seen.add(at)
  }
  return false
}
