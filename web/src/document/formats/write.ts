/** A document becomes a workflow's file of version 0.4, whose subgraphs are of version 1. */

import { isObject, type Json, type JsonObject } from "~/document/json"
import { idOf, withoutKeys } from "~/document/formats/parts"
import { linkInto, linksOutOf } from "~/document/links"
import { asObject, type Definitions } from "~/document/schema/definition"
import { savedValues, valueOf, widgetsOf } from "~/document/schema/node_layout"
import {
  graphOf, INPUTS, isHost, OUTPUTS, ROOT,
  type Boundary, type Graph, type Input, type Link, type Node, type Output, type Workflow,
} from "~/document/workflow"

/** Write a file. What is of this user alone is left out when it is for `others`: the view, and names in a language. */
export function writeWorkflow(workflow: Workflow, definitions: Definitions, forOthers = false): JsonObject {
  const writing: Writing = { workflow, definitions, forOthers }
  const root = graphOf(workflow, ROOT)
  const subgraphs = usedSubgraphs(workflow).map((graph) => writeSubgraph(graph, writing))
  const extra = { ...asObject(root.rest["extra"]), ...writeReroutesAside(root) }
  const whole = {
    ...withoutKeys(root.rest, ["state", "extra"]),
    last_node_id: highestId(workflow, root, "last_node_id", "nodes"),
    last_link_id: highestId(workflow, root, "last_link_id", "links"),
    nodes: writeNodes(root, writing),
    links: [...root.links.values()].map((link) => writeLinkArray(root, link)),
    ...(root.floating.length > 0 ? { floatingLinks: root.floating } : {}),
    groups: writeGroups(root),
    config: root.rest["config"] ?? {},
    extra: forOthers ? withoutKeys(extra, ["ds"]) : extra,
    version: 0.4,
  }
  if (subgraphs.length === 0) return whole
  return { ...whole, definitions: { ...asObject(root.rest["definitions"]), subgraphs } }
}

interface Writing {
  readonly workflow: Workflow
  readonly definitions: Definitions
  readonly forOthers: boolean
}

/** The subgraphs that hosts stand for, also those inside of others. */
export function usedSubgraphs(workflow: Workflow): Graph[] {
  const found = new Map<string, Graph>()
  const waiting = [graphOf(workflow, ROOT)]
  for (let graph = waiting.pop(); graph !== undefined; graph = waiting.pop()) {
    for (const node of graph.nodes.values()) {
      const inner = isHost(workflow, node) ? workflow.graphs.get(node.type) : undefined
      if (inner === undefined || found.has(inner.id)) continue
      found.set(inner.id, inner)
      waiting.push(inner)
    }
  }
  return [...workflow.graphs.values()].filter((graph) => found.has(graph.id))
}

function highestId(workflow: Workflow, root: Graph, counter: string, kind: "nodes" | "links"): number {
  const told = Number(root.rest[counter] ?? 0)
  const graphs = kind === "nodes" ? [...workflow.graphs.values()] : [root]
  const ids = graphs.flatMap((graph) => [...graph[kind].keys()].map(Number)).filter(Number.isSafeInteger)
  return ids.reduce((most, id) => Math.max(most, id), Number.isSafeInteger(told) ? told : 0)
}

function writeSubgraph(graph: Graph, writing: Writing): JsonObject {
  const highest = (ids: Iterable<string>): number =>
    [...ids].map(Number).filter(Number.isSafeInteger).reduce((most, id) => Math.max(most, id), 0)
  const state = asObject(graph.rest["state"])
  const rect = (key: "inputNode" | "outputNode", id: string, at: Graph["inputColumn"]): JsonObject => ({
    ...asObject(graph.rest[key]),
    id: Number(id),
    bounding: [at.x, at.y, at.width, at.height],
  })
  return {
    ...graph.rest,
    id: graph.id,
    version: 1,
    revision: graph.rest["revision"] ?? 0,
    state: {
      ...state,
      lastGroupId: Math.max(Number(state["lastGroupId"] ?? 0), highest(graph.groups.keys())),
      lastNodeId: Math.max(Number(state["lastNodeId"] ?? 0), highest(graph.nodes.keys())),
      lastLinkId: Math.max(Number(state["lastLinkId"] ?? 0), highest(graph.links.keys())),
      lastRerouteId: Math.max(Number(state["lastRerouteId"] ?? 0), highest(graph.reroutes.keys())),
    },
    config: graph.rest["config"] ?? {},
    name: graph.name,
    inputNode: rect("inputNode", INPUTS, graph.inputColumn),
    outputNode: rect("outputNode", OUTPUTS, graph.outputColumn),
    inputs: graph.inputs.map((slot, at) => writeBoundary(slot, linksOutOf(graph, INPUTS, at))),
    outputs: graph.outputs.map((slot) => {
      const link = linkInto(graph, OUTPUTS, slot.id)
      return writeBoundary(slot, link === undefined ? [] : [link])
    }),
    widgets: graph.rest["widgets"] ?? [],
    nodes: writeNodes(graph, writing),
    groups: writeGroups(graph),
    links: [...graph.links.values()].map((link) => writeLinkObject(graph, link)),
    ...(graph.floating.length > 0 ? { floatingLinks: graph.floating } : {}),
    ...(graph.reroutes.size > 0 ? { reroutes: writeReroutes(graph) } : {}),
    extra: graph.rest["extra"] ?? {},
  }
}

function writeBoundary(slot: Boundary, links: readonly Link[]): JsonObject {
  const label = slot.label === undefined ? {} : { label: slot.label }
  return { ...slot.rest, id: slot.id, name: slot.name, type: slot.type, ...label, linkIds: links.map((link) => idOf(link.id)) }
}

function writeNodes(graph: Graph, writing: Writing): JsonObject[] {
  const order = topologicalOrder(graph)
  return [...graph.nodes.values()].map((node) => writeNode(graph, node, order.get(node.id) ?? 0, writing))
}

function writeNode(graph: Graph, node: Node, order: number, writing: Writing): JsonObject {
  return {
    ...withoutKeys(node.rest, ["widgets_values"]),
    id: idOf(node.id),
    type: node.type,
    pos: [node.at.x, node.at.y],
    size: [node.size.width, node.size.height],
    flags: node.flags,
    order,
    mode: node.mode,
    inputs: node.inputs.map((input) => writeInput(graph, node, input, writing)),
    outputs: node.outputs.map((output, at) => writeOutput(graph, node, output, at, writing)),
    ...(node.title === undefined ? {} : { title: node.title }),
    properties: node.properties,
    ...writeValues(graph, node, writing),
    ...(node.color === undefined ? {} : { color: node.color }),
    ...(node.bgcolor === undefined ? {} : { bgcolor: node.bgcolor }),
  }
}

function writeValues(graph: Graph, node: Node, { workflow, definitions }: Writing): JsonObject {
  if (node.held !== undefined) return { widgets_values: node.held }
  const widgets = widgetsOf({ workflow, graph, definitions }, node)
  const saved = widgets.filter((each) => each.isSaved)
  const named = Object.fromEntries(
    saved.flatMap((widget) => {
      const value = valueOf(node, widget)
      return value === undefined ? [] : [[widget.name, value] as const]
    }),
  )
  const object = node.rest["widgets_values"]
  if (isObject(object)) return { widgets_values: { ...object, ...named } }
  if (saved.length === 0) return definitions[node.type] === undefined && !isHost(workflow, node) ? {} : { widgets_values: [] }
  return { widgets_values: savedValues(node, widgets), widgets_values_named: named }
}

function writeInput(graph: Graph, node: Node, input: Input, { forOthers }: Writing): JsonObject {
  const link = linkInto(graph, node.id, input.name)
  return {
    ...slotRest(input, forOthers),
    name: input.name.replace(/#\d+$/, (tail) => (isRepeated(node, input, tail) ? "" : tail)),
    type: input.type,
    ...(input.label === undefined ? {} : { label: input.label }),
    ...(input.widget === undefined ? {} : { widget: { name: input.widget } }),
    link: link === undefined ? null : idOf(link.id),
  }
}

/** Whether a name got its tail when it was read, since the file has it twice. */
function isRepeated(node: Node, input: Input, tail: string): boolean {
  const name = input.name.slice(0, -tail.length)
  return tail === `#${node.inputs.indexOf(input)}` && node.inputs.some((each) => each.name === name)
}

function writeOutput(graph: Graph, node: Node, output: Output, at: number, { forOthers }: Writing): JsonObject {
  const links = linksOutOf(graph, node.id, at).map((link) => idOf(link.id))
  const label = output.label === undefined ? {} : { label: output.label }
  return { ...slotRest(output, forOthers), name: output.name, type: output.type, ...label, links: links.length > 0 ? links : null }
}

function slotRest(slot: Input | Output, forOthers: boolean): JsonObject {
  const rest = slot.rest ?? {}
  return forOthers ? withoutKeys(rest, ["localized_name"]) : rest
}

/** Both ends of a link by position. */
function slotsOf(graph: Graph, link: Link): { from: number; to: number } {
  const target = graph.nodes.get(link.to.node)
  const to =
    link.to.node === OUTPUTS
      ? graph.outputs.findIndex((each) => each.id === link.to.input)
      : (target?.inputs.findIndex((each) => each.name === link.to.input) ?? -1)
  return { from: link.from.output, to }
}

function writeLinkArray(graph: Graph, link: Link): Json {
  const { from, to } = slotsOf(graph, link)
  return [idOf(link.id), idOf(link.from.node), from, idOf(link.to.node), to, link.type]
}

function writeLinkObject(graph: Graph, link: Link): JsonObject {
  const { from, to } = slotsOf(graph, link)
  return {
    ...link.rest,
    id: idOf(link.id),
    origin_id: idOf(link.from.node),
    origin_slot: from,
    target_id: idOf(link.to.node),
    target_slot: to,
    type: link.type,
    ...(link.via === undefined ? {} : { parentId: idOf(link.via) }),
  }
}

function writeGroups(graph: Graph): JsonObject[] {
  return [...graph.groups.values()].map((group) => ({
    ...group.rest,
    id: idOf(group.id),
    title: group.title,
    bounding: [group.at.x, group.at.y, group.size.width, group.size.height],
    ...(group.color === undefined ? {} : { color: group.color }),
  }))
}

function writeReroutes(graph: Graph): JsonObject[] {
  return [...graph.reroutes.values()].map((each) => ({
    ...each.rest,
    id: idOf(each.id),
    ...(each.parent === undefined ? {} : { parentId: idOf(each.parent) }),
    pos: [each.at.x, each.at.y],
    linkIds: [...graph.links.values()].filter((link) => passes(graph, link, each.id)).map((link) => idOf(link.id)),
  }))
}

function passes(graph: Graph, link: Link, reroute: string): boolean {
  const seen = new Set<string>()
  for (let id = link.via; id !== undefined && !seen.has(id); id = graph.reroutes.get(id)?.parent) {
    if (id === reroute) return true
    seen.add(id)
  }
  return false
}

/** In version 0.4 reroutes stand aside, and so do the links' words of them. */
function writeReroutesAside(graph: Graph): JsonObject {
  if (graph.reroutes.size === 0) return {}
  const extensions = [...graph.links.values()].flatMap((link) =>
    link.via === undefined ? [] : [{ id: idOf(link.id), parentId: idOf(link.via) }],
  )
  return { reroutes: writeReroutes(graph), ...(extensions.length > 0 ? { linkExtensions: extensions } : {}) }
}

/** Where each node stands when sources come first; those in a circle come last. */
export function topologicalOrder(graph: Graph): ReadonlyMap<string, number> {
  const waits = new Map([...graph.nodes.keys()].map((id) => [id, 0]))
  for (const link of graph.links.values()) {
    if (graph.nodes.has(link.from.node) && waits.has(link.to.node)) waits.set(link.to.node, (waits.get(link.to.node) ?? 0) + 1)
  }
  const ready = [...waits].filter(([, count]) => count === 0).map(([id]) => id)
  const order = new Map<string, number>()
  for (let at = 0; at < ready.length; at++) {
    const id = ready[at] ?? ""
    order.set(id, order.size)
    for (const link of linksOutOf(graph, id)) {
      const left = (waits.get(link.to.node) ?? 0) - 1
      waits.set(link.to.node, left)
      if (left === 0) ready.push(link.to.node)
    }
  }
  for (const id of graph.nodes.keys()) if (!order.has(id)) order.set(id, order.size)
  return order
}
