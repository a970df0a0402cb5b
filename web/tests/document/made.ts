/** Graphs made by hand and by chance, for tests. */

import fc from "fast-check"
import type { Change } from "~/document/change"
import { emptyGraph, emptyWorkflow, ROOT, type Graph, type Link, type Node, type Workflow } from "~/document/workflow"

export function node(id: string, more: Partial<Node> = {}): Node {
  return {
    ...{ id, type: "Blur", at: { x: 0, y: 0 }, size: { width: 200, height: 80 }, mode: 0, flags: {} },
    inputs: [{ name: "image", type: "IMAGE" }, { name: "radius", type: "INT", widget: "radius" }],
    outputs: [{ name: "IMAGE", type: "IMAGE" }],
    ...{ values: { radius: 1 }, properties: {}, rest: {} },
    ...more,
  }
}

export function link(id: string, from: string, to: string, more: Partial<Link> = {}): Link {
  return { id, from: { node: from, output: 0 }, to: { node: to, input: "image" }, type: "IMAGE", ...more }
}

export function graph(nodes: readonly Node[], links: readonly Link[] = [], more: Partial<Graph> = {}): Graph {
  return {
    ...emptyGraph(ROOT),
    nodes: new Map(nodes.map((each) => [each.id, each])),
    links: new Map(links.map((each) => [each.id, each])),
    ...more,
  }
}

export function workflow(root: Graph, ...others: Graph[]): Workflow {
  return { graphs: new Map([root, ...others].map((each) => [each.id, each])) }
}

/** A workflow as values that can be compared, in order. */
export function told(whole: Workflow): unknown {
  return [...whole.graphs].map(([id, each]) => [
    id,
    { ...each, nodes: [...each.nodes], links: [...each.links], groups: [...each.groups], reroutes: [...each.reroutes] },
  ])
}

const ids = fc.integer({ min: 1, max: 6 }).map(String)
const point = fc.record({ x: fc.integer({ min: -500, max: 500 }), y: fc.integer({ min: -500, max: 500 }) })
const words = fc.string({ maxLength: 6 })
const inGraph = fc.constant(ROOT)

/** A change that may or may not fit. */
export const anyChange: fc.Arbitrary<Change> = fc.letrec<{ change: Change }>((tie) => ({
  change: fc.oneof(
    { depthSize: "small", maxDepth: 2 },
    fc.record({ type: fc.constant("add-node" as const), graph: inGraph, node: fc.tuple(ids, point).map(([id, at]) => node(id, { at })) }),
    fc.record({ type: fc.constant("remove-node" as const), graph: inGraph, id: ids }),
    fc.record({
      type: fc.constant("edit-node" as const),
      graph: inGraph,
      id: ids,
      set: fc.oneof(
        fc.record({ at: point }),
        fc.record({ title: fc.option(words, { nil: undefined }) }),
        fc.record({ color: fc.option(words, { nil: undefined }), mode: fc.constantFrom(0, 2, 4) }),
      ),
    }),
    fc.record({
      type: fc.constant("set-widget" as const),
      graph: inGraph,
      id: ids,
      key: fc.constantFrom("radius", "other"),
      to: fc.option(fc.oneof(fc.integer(), words, fc.bigInt()), { nil: undefined }),
    }),
    fc.record({
      type: fc.constant("connect" as const),
      graph: inGraph,
      link: fc.tuple(ids, ids, ids, fc.constantFrom("image", "radius")).map(([id, from, to, input]) => link(id, from, to, { to: { node: to, input } })),
    }),
    fc.record({ type: fc.constant("disconnect" as const), graph: inGraph, id: ids }),
    fc.record({ type: fc.constant("edit-link" as const), graph: inGraph, id: ids, set: fc.record({ via: fc.option(ids, { nil: undefined }) }) }),
    fc.record({
      type: fc.constant("add-group" as const),
      graph: inGraph,
      group: fc.tuple(ids, words, point).map(([id, title, at]) => ({ id, title, at, size: { width: 9, height: 9 } })),
    }),
    fc.record({ type: fc.constant("remove-group" as const), graph: inGraph, id: ids }),
    fc.record({ type: fc.constant("edit-group" as const), graph: inGraph, id: ids, set: fc.record({ title: words }) }),
    fc.record({
      type: fc.constant("add-reroute" as const),
      graph: inGraph,
      reroute: fc.tuple(ids, point).map(([id, at]) => ({ id, at })),
    }),
    fc.record({ type: fc.constant("remove-reroute" as const), graph: inGraph, id: ids }),
    fc.record({ type: fc.constant("edit-reroute" as const), graph: inGraph, id: ids, set: fc.record({ parent: fc.option(ids, { nil: undefined }) }) }),
    fc.record({ type: fc.constant("edit-graph" as const), graph: inGraph, set: fc.record({ name: words }) }),
    fc.record({ type: fc.constant("add-graph" as const), graph: fc.constantFrom("a", "b").map((id) => emptyGraph(id)) }),
    fc.record({ type: fc.constant("remove-graph" as const), id: fc.constantFrom("a", "b") }),
    fc.record({ type: fc.constant("batch" as const), changes: fc.array(tie("change"), { maxLength: 4 }) }),
  ),
})).change

export const EMPTY = emptyWorkflow()
