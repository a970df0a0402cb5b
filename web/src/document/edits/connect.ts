/** Linking: what may be linked, and the changes that do it. */

import { batch, type Change } from "~/document/change"
import { newLinkId, newLinkIds } from "~/document/ids"
import { linkInto, linksOutOf } from "~/document/links"
import { areCompatible } from "~/document/schema/types"
import { ANY, INPUTS, OUTPUTS, type Graph, type Link, type LinkId, type Node } from "~/document/workflow"

export type From = Link["from"]
export type To = Link["to"]

/** The type of an output, or of a subgraph's input; undefined where there is none. */
export function typeFrom(graph: Graph, from: From): string | undefined {
  const slots = from.node === INPUTS ? graph.inputs : graph.nodes.get(from.node)?.outputs
  return slots?.[from.output]?.type
}

/** The type of an input, or of a subgraph's output; undefined where there is none. */
export function typeInto(graph: Graph, to: To): string | undefined {
  if (to.node === OUTPUTS) return graph.outputs.find((each) => each.id === to.input)?.type
  return graph.nodes.get(to.node)?.inputs.find((each) => each.name === to.input)?.type
}

export type Refusal =
  | { readonly because: "missing" }
  | { readonly because: "same-node" }
  | { readonly because: "types"; readonly given: string; readonly wanted: string }
  | { readonly because: "circle" }

/** Why two slots cannot be linked; null where they can. */
export function refusal(graph: Graph, from: From, to: To): Refusal | null {
  const [given, wanted] = [typeFrom(graph, from), typeInto(graph, to)]
  if (given === undefined || wanted === undefined) return { because: "missing" }
  if (from.node === to.node) return { because: "same-node" }
  if (!areCompatible(given, wanted)) return { because: "types", given, wanted }
  return leadsTo(graph, to.node, from.node) ? { because: "circle" } : null
}

/** Whether what a node makes feeds another, however far behind. */
function leadsTo(graph: Graph, first: string, last: string): boolean {
  const waiting = [first]
  const seen = new Set<string>()
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id === last) return true
    if (seen.has(id)) continue
    seen.add(id)
    waiting.push(...linksOutOf(graph, id).map((link) => link.to.node))
  }
  return false
}

/** Link two slots; what the input was linked to before is let go. */
export function connect(graph: Graph, from: From, to: To, id: LinkId = newLinkId(graph)): Change {
  return { type: "connect", graph: graph.id, link: { id, from, to, type: typeFrom(graph, from) ?? ANY } }
}

/** Hand a link's end to another input, or its beginning to another output. */
export function reconnect(graph: Graph, link: Link, ends: { readonly from?: From; readonly to?: To }): Change {
  const [from, to] = [ends.from ?? link.from, ends.to ?? link.to]
  const again: Change = { type: "connect", graph: graph.id, link: { ...link, from, to, type: typeFrom(graph, from) ?? ANY } }
  return batch({ type: "disconnect", graph: graph.id, id: link.id }, again)
}

/** Where a node would fit into a link: the first input that takes what it carries, and output that suits its end. */
export function fitsOnLink(graph: Graph, link: Link, node: Node): { input: string; output: number } | null {
  const [given, wanted] = [typeFrom(graph, link.from), typeInto(graph, link.to)]
  if (given === undefined || wanted === undefined || link.from.node === node.id || link.to.node === node.id) return null
  const free = node.inputs.filter((each) => linkInto(graph, node.id, each.name) === undefined)
  const input = [...free].sort((a, b) => Number(a.widget !== undefined) - Number(b.widget !== undefined)).find((each) => areCompatible(given, each.type))
  const output = node.outputs.findIndex((each) => areCompatible(each.type, wanted))
  return input === undefined || output < 0 ? null : { input: input.name, output }
}

/** Put a node, which is in the graph already, into a link; null where it does not fit. */
export function insertOnLink(graph: Graph, link: Link, node: Node): Change | null {
  const fit = fitsOnLink(graph, link, node)
  const [first, second] = newLinkIds(graph, 2)
  if (fit === null || first === undefined || second === undefined) return null
  const { via, rest } = link
  const after: Change = {
    type: "connect",
    graph: graph.id,
    link: {
      id: second,
      from: { node: node.id, output: fit.output },
      to: link.to,
      type: node.outputs[fit.output]?.type ?? ANY,
      ...(via === undefined ? {} : { via }),
      ...(rest === undefined ? {} : { rest }),
    },
  }
  return batch(
    { type: "disconnect", graph: graph.id, id: link.id },
    connect(graph, link.from, { node: node.id, input: fit.input }, first),
    after,
  )
}
