/** What nodes and sockets are called. */

import type { Place } from "~/document/schema/node_layout"
import { INPUTS, isHost, OUTPUTS, type Graph, type Link, type Node, type NodeId } from "~/document/workflow"

type Named = Pick<Place, "workflow" | "definitions">

/** The title that a node was given, else the name of its subgraph or of its type. */
export function titleOf({ workflow, definitions }: Named, node: Node): string {
  const inside = isHost(workflow, node) ? workflow.graphs.get(node.type)?.name : undefined
  return node.title ?? inside ?? (definitions[node.type]?.display_name || node.type)
}

/** The title of a node of a graph; the graph's own name for the columns of its inputs and outputs. */
export function ownerOf(place: Place, id: NodeId): string {
  if (id === INPUTS || id === OUTPUTS) return place.graph.name
  const node = place.graph.nodes.get(id)
  return node === undefined ? id : titleOf(place, node)
}

export function outputName(graph: Graph, { node, output }: Link["from"]): string {
  const slot = (node === INPUTS ? graph.inputs : graph.nodes.get(node)?.outputs)?.[output]
  return slot?.label ?? slot?.name ?? String(output)
}

export function inputName(graph: Graph, { node, input }: Link["to"]): string {
  const slot = node === OUTPUTS ? graph.outputs.find((each) => each.id === input) : graph.nodes.get(node)?.inputs.find((each) => each.name === input)
  return slot?.label ?? slot?.name ?? input
}
