/** Making a subgraph of a part of a graph, and putting one's inside back in its place. */

import { batch, type Change } from "~/document/change"
import { freeName, hostsOf } from "~/document/edits/boundary"
import { newGroupId, newLinkIds, newNodeId, newNodeIds, newRerouteId } from "~/document/ids"
import { linkInto, linksOutOf } from "~/document/links"
import {
  ALWAYS, emptyGraph, graphOf, INPUTS, OUTPUTS,
  type Boundary, type Graph, type GraphId, type Input, type Link, type Node, type NodeId, type Output, type Point,
  type Rect, type Reroute, type Workflow,
} from "~/document/workflow"

export interface Made {
  readonly change: Change
  /** The node that stands for the subgraph. */
  readonly host: NodeId
}

const COLUMN = 120
const APART = 80

/**
 * Put nodes into a subgraph of their own, with a host in their place. `ids`: of nodes, and of groups as `group:1`.
 * Each source outside becomes one input, each output that is used outside one output.
 */
export function makeSubgraph(workflow: Workflow, graphId: GraphId, ids: ReadonlySet<string>, name: string, newId: () => string): Made | null {
  const graph = graphOf(workflow, graphId)
  const inside = new Map([...graph.nodes].filter(([id]) => ids.has(id)))
  if (inside.size === 0) return null
  const links = [...graph.links.values()]
  const entering = links.filter((link) => !inside.has(link.from.node) && inside.has(link.to.node))
  const leaving = links.filter((link) => inside.has(link.from.node) && !inside.has(link.to.node))
  const kept = links.filter((link) => inside.has(link.from.node) && inside.has(link.to.node))
  const id = newId()
  const host = newNodeId(workflow)
  const inputs = inputsFor(graph, entering, newId)
  const outputs = outputsFor(inside, leaving, newId)
  const groups = new Map([...graph.groups].filter(([each]) => ids.has(`group:${each}`)))
  const box = boxAround([...inside.values()])
  const first = newLinkIds(graph, outputs.length)
  const inner: Graph = {
    ...emptyGraph(id, name),
    nodes: inside,
    links: new Map(
      [
        ...kept,
        ...inputs.flatMap(({ links }, at) => links.map((link) => ({ ...bare(link), from: { node: INPUTS, output: at } }))),
        ...outputs.map(({ slot, from }, at) => ({ id: first[at] ?? "", from, to: { node: OUTPUTS, input: slot.id }, type: slot.type })),
      ].map((link) => [link.id, link] as const),
    ),
    groups,
    reroutes: reroutesOf(graph, kept),
    inputs: inputs.map((each) => each.slot),
    outputs: outputs.map((each) => each.slot),
    inputColumn: { x: box.x - COLUMN - APART, y: box.y, width: COLUMN, height: 40 + 20 * inputs.length },
    outputColumn: { x: box.x + box.width + APART, y: box.y, width: COLUMN, height: 40 + 20 * outputs.length },
  }
  const node: Node = {
    id: host,
    type: id,
    at: { x: box.x + (box.width - 240) / 2, y: box.y },
    size: { width: 240, height: Math.max(60, 24 * Math.max(inputs.length, outputs.length)) },
    mode: ALWAYS,
    flags: {},
    inputs: inputs.map((each) => each.input),
    outputs: outputs.map(({ slot }): Output => ({ name: slot.name, type: slot.type })),
    values: {},
    properties: {},
    rest: {},
  }
  const change = batch(
    ...[...inside.keys()].map((each) => ({ type: "remove-node", graph: graphId, id: each }) as const),
    ...[...groups.keys()].map((each) => ({ type: "remove-group", graph: graphId, id: each }) as const),
    { type: "add-graph", graph: inner },
    { type: "add-node", graph: graphId, node },
    ...inputs.flatMap(({ slot, links: [link] }): Change[] =>
      link === undefined ? [] : [{ type: "connect", graph: graphId, link: { ...link, to: { node: host, input: slot.name } } }],
    ),
    ...outputs.flatMap(({ links }, at) =>
      links.map((link): Change => ({ type: "connect", graph: graphId, link: { ...link, from: { node: host, output: at } } })),
    ),
  )
  return { change, host }
}

/** A link without the points that it is drawn through. */
function bare({ id, from, to, type }: Link): Link {
  return { id, from, to, type }
}

interface NewInput {
  readonly slot: Boundary
  readonly input: Input
  readonly links: readonly Link[]
}

function inputsFor(graph: Graph, entering: readonly Link[], newId: () => string): NewInput[] {
  const made: NewInput[] = []
  for (const links of bySource(entering)) {
    const first = links[0]
    const target = first && graph.nodes.get(first.to.node)?.inputs.find((each) => each.name === first.to.input)
    if (target === undefined) continue
    const name = freeName(target.name || "input", made.map((each) => each.slot.name))
    const slot = { id: newId(), name, type: target.type }
    const input = { name, type: target.type, ...(target.widget === undefined ? {} : { widget: name }) }
    made.push({ slot, input, links })
  }
  return made
}

interface NewOutput {
  readonly slot: Boundary
  readonly from: Link["from"]
  readonly links: readonly Link[]
}

function outputsFor(inside: ReadonlyMap<NodeId, Node>, leaving: readonly Link[], newId: () => string): NewOutput[] {
  const made: NewOutput[] = []
  for (const links of bySource(leaving)) {
    const from = links[0]?.from
    const source = from && inside.get(from.node)?.outputs[from.output]
    if (from === undefined || source === undefined) continue
    const name = freeName(source.name || "output", made.map((each) => each.slot.name))
    made.push({ slot: { id: newId(), name, type: source.type }, from, links })
  }
  return made
}

function bySource(links: readonly Link[]): Link[][] {
  const found = new Map<string, Link[]>()
  for (const link of links) {
    const key = `${link.from.node} ${link.from.output}`
    found.set(key, [...(found.get(key) ?? []), link])
  }
  return [...found.values()]
}

/** The reroutes through which some links go. */
function reroutesOf(graph: Graph, links: readonly Link[]): Map<string, Reroute> {
  const found = new Map<string, Reroute>()
  for (const link of links) {
    for (let id = link.via; id !== undefined && !found.has(id); id = graph.reroutes.get(id)?.parent) {
      const reroute = graph.reroutes.get(id)
      if (reroute === undefined) break
      found.set(id, reroute)
    }
  }
  return found
}

/** What a few nodes cover. */
export function boxAround(nodes: readonly Node[]): Rect {
  const left = Math.min(...nodes.map((node) => node.at.x))
  const top = Math.min(...nodes.map((node) => node.at.y))
  const right = Math.max(...nodes.map((node) => node.at.x + node.size.width))
  const bottom = Math.max(...nodes.map((node) => node.at.y + node.size.height))
  return { x: left, y: top, width: right - left, height: bottom - top }
}

export interface Unpacked {
  readonly change: Change
  /** The nodes that were put in the host's place. */
  readonly ids: readonly NodeId[]
}

/** Put the inside of a host in its place; what the host held goes into the widgets inside. Null for other nodes. */
export function unpackSubgraph(workflow: Workflow, graphId: GraphId, hostId: NodeId): Unpacked | null {
  const graph = graphOf(workflow, graphId)
  const host = graph.nodes.get(hostId)
  const inner = host && workflow.graphs.get(host.type)
  if (host === undefined || inner === undefined || inner.id === graphId) return null
  const fresh = newNodeIds(workflow, inner.nodes.size)
  const names = new Map<NodeId, NodeId>([...inner.nodes.keys()].map((id, at) => [id, fresh[at] ?? id]))
  const corner = inner.nodes.size > 0 ? boxAround([...inner.nodes.values()]) : { x: 0, y: 0 }
  const shift = (point: Point): Point => ({ x: point.x - corner.x + host.at.x, y: point.y - corner.y + host.at.y })
  const firstReroute = Number(newRerouteId(graph))
  const reroutes = new Map([...inner.reroutes.keys()].map((id, at) => [id, String(firstReroute + at)]))
  const firstGroup = Number(newGroupId(graph))
  const nodes = [...inner.nodes.values()].map((node) => ({
    ...withHeld(inner, host, node),
    id: names.get(node.id) ?? node.id,
    at: shift(node.at),
  }))
  const joined = joinedLinks(graph, inner, host, names)
  const ids = newLinkIds(graph, joined.length)
  const isLast = hostsOf(workflow, inner.id).length === 1
  const change = batch(
    { type: "remove-node", graph: graphId, id: hostId },
    ...nodes.map((node) => ({ type: "add-node", graph: graphId, node }) as const),
    ...parentsFirst(inner).map((each) => {
      const parent = each.parent === undefined ? {} : { parent: reroutes.get(each.parent) }
      const reroute = { ...each, id: reroutes.get(each.id) ?? each.id, at: shift(each.at), ...parent }
      return { type: "add-reroute", graph: graphId, reroute } as const
    }),
    ...joined.map((link, at) => {
      const via = link.via === undefined ? {} : { via: reroutes.get(link.via) }
      return { type: "connect", graph: graphId, link: { ...link, id: ids[at] ?? "", ...via } } as const
    }),
    ...[...inner.groups.values()].map((group, at) => {
      const moved = { ...group, id: String(firstGroup + at), at: shift(group.at) }
      return { type: "add-group", graph: graphId, group: moved } as const
    }),
    ...(isLast ? [{ type: "remove-graph", id: inner.id } as const] : []),
  )
  return { change, ids: nodes.map((node) => node.id) }
}

/** The reroutes of a graph, each after the one before it on the way. */
function parentsFirst(graph: Graph): Reroute[] {
  const found = new Map<string, Reroute>()
  const add = (id: string | undefined, above: number): void => {
    const reroute = id === undefined ? undefined : graph.reroutes.get(id)
    if (reroute === undefined || found.has(reroute.id) || above > graph.reroutes.size) return
    add(reroute.parent, above + 1)
    found.set(reroute.id, reroute)
  }
  for (const id of graph.reroutes.keys()) add(id, 0)
  return [...found.values()]
}

/** A node inside, whose widgets hold what the host says of them. */
function withHeld(inner: Graph, host: Node, node: Node): Node {
  const values = { ...node.values }
  for (const input of node.inputs) {
    const link = linkInto(inner, node.id, input.name)
    const slot = link?.from.node === INPUTS ? inner.inputs[link.from.output] : undefined
    const value = slot === undefined ? undefined : host.values[slot.name]
    if (value !== undefined && input.widget !== undefined) values[input.widget] = value
  }
  return { ...node, values }
}

/** The links inside, and those that went in and out through the host. */
function joinedLinks(graph: Graph, inner: Graph, host: Node, names: ReadonlyMap<NodeId, NodeId>): Omit<Link, "id">[] {
  const outerSource = (output: number): Link["from"] | undefined => {
    const slot = inner.inputs[output]
    return slot && linkInto(graph, host.id, slot.name)?.from
  }
  return [...inner.links.values()].flatMap((link) => {
    const from = link.from.node === INPUTS ? outerSource(link.from.output) : { ...link.from, node: names.get(link.from.node) ?? "" }
    if (from === undefined) return []
    if (link.to.node !== OUTPUTS) {
      const to = { ...link.to, node: names.get(link.to.node) ?? "" }
      return [{ from, to, type: link.type, ...(link.via === undefined ? {} : { via: link.via }) }]
    }
    const at = inner.outputs.findIndex((each) => each.id === link.to.input)
    return linksOutOf(graph, host.id, at).map((outer) => ({ from, to: outer.to, type: link.type }))
  })
}
