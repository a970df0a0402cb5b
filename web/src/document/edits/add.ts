/** Adding nodes: out of the library, at a place, linked at once where that was asked. */

import { batch, type Change } from "~/document/change"
import { connect, insertOnLink, refusal, typeFrom, typeInto, type From, type To } from "~/document/edits/connect"
import { newNodeId } from "~/document/ids"
import { roomBelow } from "~/document/edits/room"
import { inputFor, outputFor, type Entry } from "~/document/library"
import { linkInto } from "~/document/links"
import { isNote } from "~/document/schema/special"
import { nodeOfType } from "~/document/schema/template"
import type { Graph, GraphId, LinkId, Node, NodeId, Point, Size, Workflow } from "~/document/workflow"
import { graphOf } from "~/document/workflow"

/** The end of a link that leads nowhere yet: it comes from an output, or goes into an input. */
export type LooseEnd = { readonly from: From } | { readonly to: To }

export function typeOfEnd(graph: Graph, end: LooseEnd): string | undefined {
  return "from" in end ? typeFrom(graph, end.from) : typeInto(graph, end.to)
}

/** The entries that a loose end of this type can be linked to, those first that suit it best. */
export function fitting(entries: readonly Entry[], end: LooseEnd, type: string): Entry[] {
  const scored = entries.flatMap((entry) => {
    const fit = "from" in end ? inputFor(entry, type) : outputFor(entry, type)
    return fit === null ? [] : [{ entry, score: Math.floor(fit.score) }]
  })
  return scored.sort((a, b) => a.score - b.score).map((each) => each.entry)
}

export interface Added {
  readonly change: Change
  readonly id: NodeId
}

/**
 * Put a fresh node at a point, and link it to a loose end. One that ends on its right lies left of the point; with the
 * sizes of what is there, it lies so far down that it covers nothing.
 */
export function addNode(
  workflow: Workflow, graphId: GraphId, entry: Entry, at: Point, end?: LooseEnd, sizeOf?: (node: Node) => Size,
): Added {
  const graph = graphOf(workflow, graphId)
  const id = newNodeId(workflow)
  const made = sized(nodeOfType(entry.type, entry.definition, id, at))
  const place = end !== undefined && "to" in end ? { x: at.x - made.size.width, y: at.y } : at
  const node = { ...made, at: sizeOf === undefined ? place : roomBelow(graph, place, made.size, sizeOf) }
  const add: Change = { type: "add-node", graph: graphId, node }
  const type = end && typeOfEnd(graph, end)
  if (end === undefined || type === undefined) return { change: add, id }
  const after: Graph = { ...graph, nodes: new Map([...graph.nodes, [id, node]]) }
  if ("from" in end) {
    const fit = inputFor(entry, type)
    return { change: fit === null ? add : batch(add, connect(after, end.from, { node: id, input: fit.input })), id }
  }
  const fit = outputFor(entry, type)
  return { change: fit === null ? add : batch(add, connect(after, { node: id, output: fit.output }, end.to)), id }
}

/** Put a fresh node into a link; beside it where it does not fit. */
export function addOnLink(workflow: Workflow, graphId: GraphId, entry: Entry, at: Point, link: LinkId): Added {
  const graph = graphOf(workflow, graphId)
  const added = addNode(workflow, graphId, entry, at)
  const found = graph.links.get(link)
  const node = sized(nodeOfType(entry.type, entry.definition, added.id, at))
  const insert = found && insertOnLink({ ...graph, nodes: new Map([...graph.nodes, [node.id, node]]) }, found, node)
  return insert === undefined || insert === null ? added : { change: batch(added.change, insert), id: added.id }
}

function sized(node: Node): Node {
  return isNote(node.type) ? { ...node, size: { width: 280, height: 140 } } : node
}

/** The link from a loose end to the slot of a node that suits it best, free ones first; null where none does. */
export function connectToNode(graph: Graph, end: LooseEnd, node: Node): Change | null {
  if ("from" in end) {
    const order = [...node.inputs].sort((a, b) => taken(graph, node, a) - taken(graph, node, b))
    const input = order.find((each) => refusal(graph, end.from, { node: node.id, input: each.name }) === null)
    return input === undefined ? null : connect(graph, end.from, { node: node.id, input: input.name })
  }
  const output = node.outputs.findIndex((_, at) => refusal(graph, { node: node.id, output: at }, end.to) === null)
  return output < 0 ? null : connect(graph, { node: node.id, output }, end.to)
}

function taken(graph: Graph, node: Node, input: Node["inputs"][number]): number {
  return (input.widget === undefined ? 0 : 2) + (linkInto(graph, node.id, input.name) === undefined ? 0 : 1)
}
