/** Names of a subgraph, and of its inputs and outputs: told inside, and on every host that shows them. */

import { batch, type Change } from "~/document/change"
import { editHost, freeName, hostsOf } from "~/document/edits/boundary"
import { renameNode } from "~/document/edits/nodes"
import { linkInto } from "~/document/links"
import { graphOf, isHost, type Boundary, type Graph, type GraphId, type Node, type Workflow } from "~/document/workflow"

/** Give an input another name; links and values of the hosts follow. */
export function renameInput(workflow: Workflow, subgraph: GraphId, at: number, wanted: string): Change {
  const graph = graphOf(workflow, subgraph)
  const slot = graph.inputs[at]
  if (slot === undefined || wanted === "" || wanted === slot.name) return batch()
  const name = freeName(wanted, graph.inputs.map((each) => each.name))
  const hosts = hostsOf(workflow, subgraph).flatMap((host): Change[] => {
    const link = linkInto(host.graph, host.node.id, slot.name)
    const inputs = host.node.inputs.map((each) =>
      each.name === slot.name ? { ...each, name, label: undefined, ...(each.widget === undefined ? {} : { widget: name }) } : each,
    )
    const values = Object.fromEntries(Object.entries(host.node.values).map(([key, value]) => [key === slot.name ? name : key, value]))
    const set = { to: { node: host.node.id, input: name } }
    const moved = link === undefined ? [] : [{ type: "edit-link", graph: host.graph.id, id: link.id, set } as const]
    return [editHost(host, { inputs, values }), ...moved]
  })
  return batch({ type: "edit-graph", graph: subgraph, set: { inputs: named(graph.inputs, at, name) } }, ...hosts)
}

/** Give an output another name. */
export function renameOutput(workflow: Workflow, subgraph: GraphId, at: number, wanted: string): Change {
  const graph = graphOf(workflow, subgraph)
  const slot = graph.outputs[at]
  if (slot === undefined || wanted === "" || wanted === slot.name) return batch()
  const name = freeName(wanted, graph.outputs.map((each) => each.name))
  const hosts = hostsOf(workflow, subgraph).map((host) =>
    editHost(host, { outputs: host.node.outputs.map((each, index) => (index === at ? { ...each, name, label: undefined } : each)) }),
  )
  return batch({ type: "edit-graph", graph: subgraph, set: { outputs: named(graph.outputs, at, name) } }, ...hosts)
}

function named(slots: readonly Boundary[], at: number, name: string): Boundary[] {
  return slots.map((each, index) => (index === at ? { ...each, name, label: undefined } : each))
}

export function renameSubgraph(subgraph: GraphId, name: string): Change {
  return { type: "edit-graph", graph: subgraph, set: { name } }
}

/** Give a node a title. What is the only one to stand for a subgraph gives its title to that. */
export function retitle(workflow: Workflow, graph: Graph, node: Node, title: string): Change {
  const alone = isHost(workflow, node) && title !== "" && hostsOf(workflow, node.type).length === 1
  const own = renameNode(graph, node.id, alone ? undefined : title)
  return alone ? batch(renameSubgraph(node.type, title), own) : own
}
