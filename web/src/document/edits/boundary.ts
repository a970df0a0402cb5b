/** Inputs and outputs of a subgraph: they come and go inside, and on every host that shows them. */

import { batch, type Change } from "~/document/change"
import type { Json } from "~/document/json"
import { newLinkId } from "~/document/ids"
import { linkInto, linksOutOf } from "~/document/links"
import {
  graphOf, INPUTS, OUTPUTS, type Boundary, type Graph, type GraphId, type Input, type Node, type Workflow,
} from "~/document/workflow"

/** Every node that stands for a subgraph, with the graph that it is in. */
export function hostsOf(workflow: Workflow, subgraph: GraphId): { graph: Graph; node: Node }[] {
  return [...workflow.graphs.values()].flatMap((graph) =>
    [...graph.nodes.values()].filter((node) => node.type === subgraph).map((node) => ({ graph, node })),
  )
}

/** A name that none of these has. */
export function freeName(name: string, taken: Iterable<string>): string {
  const known = new Set(taken)
  let free = name
  for (let number = 1; known.has(free); number++) free = `${name}_${number}`
  return free
}

/** Give a subgraph an input that feeds an input inside; a widget there is shown by the hosts. */
export function addInput(workflow: Workflow, subgraph: GraphId, to: { node: string; input: string }, id: string): Change {
  const graph = graphOf(workflow, subgraph)
  const target = graph.nodes.get(to.node)?.inputs.find((each) => each.name === to.input)
  if (target === undefined) return batch()
  const name = freeName(target.name, graph.inputs.map((each) => each.name))
  const slot: Boundary = { id, name, type: target.type, ...(target.label === undefined ? {} : { label: target.label }) }
  const input: Input = { name, type: target.type, ...(target.widget === undefined ? {} : { widget: name }) }
  const link = { id: newLinkId(graph), from: { node: INPUTS, output: graph.inputs.length }, to, type: target.type }
  return batch(
    { type: "edit-graph", graph: subgraph, set: { inputs: [...graph.inputs, slot] } },
    { type: "connect", graph: subgraph, link },
    ...hostsOf(workflow, subgraph).map((host) => editHost(host, { inputs: [...host.node.inputs, input] })),
  )
}

/** Give a subgraph an output that hands out what a node inside makes. */
export function addOutput(workflow: Workflow, subgraph: GraphId, from: { node: string; output: number }, id: string): Change {
  const graph = graphOf(workflow, subgraph)
  const source = graph.nodes.get(from.node)?.outputs[from.output]
  if (source === undefined) return batch()
  const name = freeName(source.name, graph.outputs.map((each) => each.name))
  const slot: Boundary = { id, name, type: source.type }
  const link = { id: newLinkId(graph), from, to: { node: OUTPUTS, input: id }, type: source.type }
  const output = { name, type: source.type }
  return batch(
    { type: "edit-graph", graph: subgraph, set: { outputs: [...graph.outputs, slot] } },
    { type: "connect", graph: subgraph, link },
    ...hostsOf(workflow, subgraph).map((host) => editHost(host, { outputs: [...host.node.outputs, output] })),
  )
}

/** Take an input away, with its links inside and out. What its only host said of a widget goes into the widget. */
export function removeInput(workflow: Workflow, subgraph: GraphId, at: number): Change {
  const graph = graphOf(workflow, subgraph)
  const slot = graph.inputs[at]
  if (slot === undefined) return batch()
  const cut = linksOutOf(graph, INPUTS, at).map(({ id }) => ({ type: "disconnect", graph: subgraph, id }) as const)
  const moved = linksOutOf(graph, INPUTS)
    .filter((link) => link.from.output > at)
    .map((link) => {
      const set = { from: { ...link.from, output: link.from.output - 1 } }
      return { type: "edit-link", graph: subgraph, id: link.id, set } as const
    })
  const all = hostsOf(workflow, subgraph)
  const hosts = all.flatMap((host) => {
    const link = linkInto(host.graph, host.node.id, slot.name)
    const inputs = host.node.inputs.filter((each) => each.name !== slot.name)
    const values = Object.fromEntries(Object.entries(host.node.values).filter(([key]) => key !== slot.name))
    const cutLink = link === undefined ? [] : [{ type: "disconnect", graph: host.graph.id, id: link.id } as const]
    return [...cutLink, editHost(host, { inputs, values })]
  })
  const inputs = graph.inputs.filter((_, index) => index !== at)
  const handed = all.length === 1 ? handedDown(graph, at, all[0]?.node.values[slot.name]) : []
  return batch(...handed, ...cut, ...moved, { type: "edit-graph", graph: subgraph, set: { inputs } }, ...hosts)
}

/** A value for the widgets that an input feeds. */
function handedDown(graph: Graph, at: number, value: Json | undefined): Change[] {
  if (value === undefined) return []
  return linksOutOf(graph, INPUTS, at).flatMap(({ to }): Change[] => {
    const key = graph.nodes.get(to.node)?.inputs.find((each) => each.name === to.input)?.widget
    return key === undefined ? [] : [{ type: "set-widget", graph: graph.id, id: to.node, key, to: value }]
  })
}

/** Take an output away, with its links inside and out. */
export function removeOutput(workflow: Workflow, subgraph: GraphId, at: number): Change {
  const graph = graphOf(workflow, subgraph)
  const slot = graph.outputs[at]
  if (slot === undefined) return batch()
  const link = linkInto(graph, OUTPUTS, slot.id)
  const cut = link === undefined ? [] : [{ type: "disconnect", graph: subgraph, id: link.id } as const]
  const hosts = hostsOf(workflow, subgraph).flatMap((host): Change[] => {
    const out = linksOutOf(host.graph, host.node.id)
    return [
      ...out.filter((each) => each.from.output === at).map(({ id }) => ({ type: "disconnect", graph: host.graph.id, id }) as const),
      ...out
        .filter((each) => each.from.output > at)
        .map((each) => {
          const set = { from: { ...each.from, output: each.from.output - 1 } }
          return { type: "edit-link", graph: host.graph.id, id: each.id, set } as const
        }),
      editHost(host, { outputs: host.node.outputs.filter((_, index) => index !== at) }),
    ]
  })
  const outputs = graph.outputs.filter((_, index) => index !== at)
  return batch(...cut, { type: "edit-graph", graph: subgraph, set: { outputs } }, ...hosts)
}

/** Change a node that stands for a subgraph. */
export function editHost(host: { graph: Graph; node: Node }, set: Partial<Omit<Node, "id">>): Change {
  return { type: "edit-node", graph: host.graph.id, id: host.node.id, set }
}
