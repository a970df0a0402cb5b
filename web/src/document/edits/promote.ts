/** What a subgraph shows of its inside: sockets and widgets become inputs and outputs of it, and are taken back. */

import { batch, type Change } from "~/document/change"
import type { LooseEnd } from "~/document/edits/add"
import { addInput, addOutput, removeInput, removeOutput } from "~/document/edits/boundary"
import { linkInto, linksOutOf } from "~/document/links"
import { INPUTS, isHost, OUTPUTS, ROOT, type Graph, type Workflow } from "~/document/workflow"

/** Give the subgraph around an input or output for a socket inside; null where it can have none, or has it. */
export function promote(workflow: Workflow, graph: Graph, end: LooseEnd, newId: () => string): Change | null {
  if (graph.id === ROOT) return null
  if ("from" in end) return graph.nodes.has(end.from.node) && shownOutput(graph, end) < 0 ? addOutput(workflow, graph.id, end.from, newId()) : null
  const isFree = linkInto(graph, end.to.node, end.to.input) === undefined
  return graph.nodes.has(end.to.node) && isFree ? addInput(workflow, graph.id, end.to, newId()) : null
}

/**
 * Take back what a subgraph shows: for a socket inside of it, or for one of the node that stands for it. Null where
 * nothing is shown of it.
 */
export function demote(workflow: Workflow, graph: Graph, end: LooseEnd): Change | null {
  const host = graph.nodes.get("from" in end ? end.from.node : end.to.node)
  const inside = demoteInside(workflow, graph, end)
  return inside === null && host !== undefined && isHost(workflow, host) ? demoteOnHost(workflow, host.type, end) : inside
}

function demoteOnHost(workflow: Workflow, subgraph: string, end: LooseEnd): Change | null {
  if ("from" in end) return null // its links say what it is for
  const at = workflow.graphs.get(subgraph)?.inputs.findIndex((each) => each.name === end.to.input) ?? -1
  return at < 0 ? null : removeInput(workflow, subgraph, at)
}

function demoteInside(workflow: Workflow, graph: Graph, end: LooseEnd): Change | null {
  if (graph.id === ROOT) return null
  if ("from" in end) {
    const at = shownOutput(graph, end)
    return at < 0 ? null : removeOutput(workflow, graph.id, at)
  }
  const link = linkInto(graph, end.to.node, end.to.input)
  if (link?.from.node !== INPUTS) return null
  const isLast = linksOutOf(graph, INPUTS, link.from.output).length === 1
  return isLast ? removeInput(workflow, graph.id, link.from.output) : batch({ type: "disconnect", graph: graph.id, id: link.id })
}

/** The place of the subgraph's output that hands out what a node inside makes; -1 where there is none. */
function shownOutput(graph: Graph, { from }: Extract<LooseEnd, { from: unknown }>): number {
  const ids = linksOutOf(graph, from.node, from.output).flatMap((link) => (link.to.node === OUTPUTS ? [link.to.input] : []))
  return graph.outputs.findIndex((each) => ids.includes(each.id))
}
