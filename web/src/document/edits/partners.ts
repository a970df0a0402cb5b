/** The sockets of a node, and those of others that each may be linked to. */

import { refusal, type From, type To } from "~/document/edits/connect"
import type { LooseEnd } from "~/document/edits/add"
import { linkInto, linksOutOf } from "~/document/links"
import { areCompatible } from "~/document/schema/types"
import { ANY, INPUTS, OUTPUTS, ROOT, type Graph, type Link, type Node, type NodeId } from "~/document/workflow"

export interface Socket {
  readonly end: LooseEnd
  readonly name: string
  readonly type: string
  readonly links: readonly Link[]
}

/** All sockets of a node: what it gives, then what it takes, then the sockets of its widgets. */
export function socketsOf(graph: Graph, node: Node): Socket[] {
  const gives = node.outputs.map((each, at) => outputSocket(graph, { node: node.id, output: at }, each))
  const takes = [...node.inputs].sort((a, b) => Number(a.widget !== undefined) - Number(b.widget !== undefined))
  return [...gives, ...takes.map((each) => inputSocket(graph, { node: node.id, input: each.name }, each))]
}

interface Named {
  readonly name: string
  readonly label?: string | undefined
  readonly type: string
}

function outputSocket(graph: Graph, from: From, { name, label, type }: Named): Socket {
  return { end: { from }, name: label ?? name, type, links: linksOutOf(graph, from.node, from.output) }
}

function inputSocket(graph: Graph, to: To, { name, label, type }: Named): Socket {
  const link = linkInto(graph, to.node, to.input)
  return { end: { to }, name: label ?? name, type, links: link === undefined ? [] : [link] }
}

export interface Partner extends Socket {
  /** `INPUTS` and `OUTPUTS` are those of the subgraph around. */
  readonly node: NodeId
  /** The widget whose socket it is. */
  readonly isWidget: boolean
}

/** Every socket that a loose end may be linked to, and is not yet: free ones first, those of widgets last. */
export function partnersOf(graph: Graph, end: LooseEnd, type: string): Partner[] {
  const offered = "from" in end ? takersOf(graph) : giversOf(graph)
  const isNew = (each: Partner): boolean =>
    !each.links.some((link) => ("from" in end ? same(link.from, end.from) : same(link.to, end.to)))
  const rank = (each: Partner): number =>
    Number(each.isWidget) * 4 + Number("from" in end && each.links.length > 0) * 2 + Number(type === ANY || each.type === ANY)
  return offered
    .filter((each) => areCompatible(type, each.type) && isNew(each) && fits(graph, end, each.end))
    .sort((a, b) => rank(a) - rank(b))
}

function fits(graph: Graph, end: LooseEnd, other: LooseEnd): boolean {
  if ("from" in end && "to" in other) return refusal(graph, end.from, other.to) === null
  return "to" in end && "from" in other && refusal(graph, other.from, end.to) === null
}

function same(a: From | To, b: From | To): boolean {
  return a.node === b.node && ("output" in a ? "output" in b && a.output === b.output : "input" in b && a.input === b.input)
}

function takersOf(graph: Graph): Partner[] {
  const nodes = [...graph.nodes.values()].flatMap((node) =>
    node.inputs.map((input) => ({ ...inputSocket(graph, { node: node.id, input: input.name }, input), node: node.id, isWidget: input.widget !== undefined })),
  )
  if (graph.id === ROOT) return nodes
  const own = graph.outputs.map((slot) => ({ ...inputSocket(graph, { node: OUTPUTS, input: slot.id }, slot), node: OUTPUTS, isWidget: false }))
  return [...nodes, ...own]
}

function giversOf(graph: Graph): Partner[] {
  const nodes = [...graph.nodes.values()].flatMap((node) =>
    node.outputs.map((output, at) => ({ ...outputSocket(graph, { node: node.id, output: at }, output), node: node.id, isWidget: false })),
  )
  if (graph.id === ROOT) return nodes
  const own = graph.inputs.map((slot, at) => ({ ...outputSocket(graph, { node: INPUTS, output: at }, slot), node: INPUTS, isWidget: false }))
  return [...nodes, ...own]
}
