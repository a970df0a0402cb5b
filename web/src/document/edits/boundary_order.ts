/** The order of a subgraph's inputs and outputs, which its hosts show too. */

import { batch, type Change } from "~/document/change"
import { editHost, hostsOf } from "~/document/edits/boundary"
import { linksOutOf } from "~/document/links"
import { graphOf, INPUTS, type Graph, type GraphId, type NodeId, type Workflow } from "~/document/workflow"

/** Move an input to another place among the inputs. */
export function moveInput(workflow: Workflow, subgraph: GraphId, from: number, to: number): Change {
  const graph = graphOf(workflow, subgraph)
  if (!isPlace(graph.inputs, from) || !isPlace(graph.inputs, to) || from === to) return batch()
  const inputs = moved(graph.inputs, from, to)
  const places = new Map(inputs.map((each, at) => [each.name, at]))
  const hosts = hostsOf(workflow, subgraph).map((host) => {
    const place = (name: string): number => places.get(name) ?? places.size // those that are no inputs of it stay last
    return editHost(host, { inputs: [...host.node.inputs].sort((a, b) => place(a.name) - place(b.name)) })
  })
  return batch({ type: "edit-graph", graph: subgraph, set: { inputs } }, ...relinked(graph, INPUTS, from, to), ...hosts)
}

/** Move an output to another place among the outputs. */
export function moveOutput(workflow: Workflow, subgraph: GraphId, from: number, to: number): Change {
  const graph = graphOf(workflow, subgraph)
  if (!isPlace(graph.outputs, from) || !isPlace(graph.outputs, to) || from === to) return batch()
  const hosts = hostsOf(workflow, subgraph).flatMap((host) => [
    editHost(host, { outputs: moved(host.node.outputs, from, to) }),
    ...relinked(host.graph, host.node.id, from, to),
  ])
  return batch({ type: "edit-graph", graph: subgraph, set: { outputs: moved(graph.outputs, from, to) } }, ...hosts)
}

/** Links name outputs by their places: each goes to where its own is now. */
function relinked(graph: Graph, node: NodeId, from: number, to: number): Change[] {
  return linksOutOf(graph, node).flatMap((link): Change[] => {
    const output = placeAfter(link.from.output, from, to)
    return output === link.from.output ? [] : [{ type: "edit-link", graph: graph.id, id: link.id, set: { from: { node, output } } }]
  })
}

/** Where an entry of a list stands once the one at `from` was moved to `to`. */
function placeAfter(at: number, from: number, to: number): number {
  if (at === from) return to
  const left = at > from ? at - 1 : at
  return left >= to ? left + 1 : left
}

function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const left = list.filter((_, at) => at !== from)
  return [...left.slice(0, to), ...list.slice(from, from + 1), ...left.slice(to)]
}

function isPlace(list: readonly unknown[], at: number): boolean {
  return at >= 0 && at < list.length
}
