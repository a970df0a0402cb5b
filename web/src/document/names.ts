/** What nodes and sockets are called. */

import type { Place } from "~/document/schema/node_layout"
import { titleOf } from "~/document/schema/title"
import { INPUTS, OUTPUTS, type Graph, type Link, type NodeId } from "~/document/workflow"

/** The title of a node of a graph; the graph's own name for the columns of its inputs and outputs. */
export function ownerOf(place: Place, id: NodeId): string {
  if (id === INPUTS || id === OUTPUTS) return place.graph.name
  const node = place.graph.nodes.get(id)
  return node === undefined ? id : titleOf(place.workflow, place.definitions, node)
}

export function outputName(graph: Graph, { node, output }: Link["from"]): string {
  const slot = (node === INPUTS ? graph.inputs : graph.nodes.get(node)?.outputs)?.[output]
  return slot?.label ?? slot?.name ?? String(output)
}

export function inputName(graph: Graph, { node, input }: Link["to"]): string {
  const slot = node === OUTPUTS ? graph.outputs.find((each) => each.id === input) : graph.nodes.get(node)?.inputs.find((each) => each.name === input)
  return slot?.label ?? slot?.name ?? input
}
