/** A workflow's file, of version 0.4 or 1, becomes a document; nothing that it says is lost. */

import { isList, isObject, objects, textOf, type Json, type JsonObject } from "~/document/json"
import { Edges, firstOfEachId, widgetOf, type SavedLink } from "~/document/prompt/saved"
import { WorkflowError } from "~/document/prompt/trouble"
import { asObject, outputsOf, typeOf, type Definitions } from "~/document/schema/definition"
import { MATCH } from "~/document/schema/layout"
import { hasOwnValues, ownValues, promotedTargets } from "~/document/schema/node_layout"
import { layOutSaved } from "~/document/schema/values"
import { readDrawn } from "~/document/formats/drawn"
import { withGroupWidgetsShown, withoutGroupNodes } from "~/document/formats/groups"
import { withProxiesShown } from "~/document/formats/proxies"
import { pointOf, sizeOf, withoutKeys } from "~/document/formats/parts"
import {
  emptyGraph, OUTPUTS, ROOT,
  type Boundary, type Graph, type GraphId, type Input, type Link, type Node, type Output, type Workflow,
} from "~/document/workflow"

const OF_NODES = [
  ...["id", "type", "title", "pos", "size", "mode", "color", "bgcolor", "flags", "order", "inputs", "outputs"],
  ...["properties", "widgets_values", "widgets_values_named"],
]
const OF_GRAPHS = ["nodes", "links", "groups", "reroutes", "floatingLinks", "definitions", "version"]
const OF_SUBGRAPHS = [...OF_GRAPHS, "id", "name", "inputs", "outputs"]

/** Read a file. Throws WorkflowError for what cannot be a workflow. */
export function readWorkflow(raw: Json, definitions: Definitions): Workflow {
  if (!isObject(raw) || !isList(raw["nodes"])) {
    throw new WorkflowError("This is no workflow: a workflow is an object with a list called nodes.")
  }
  const { root, subgraphs: inner, opened } = withoutGroupNodes(raw)
  const boundaries = new Map(inner.map((each) => [textOf(each["id"]), objects(each["inputs"]).map(boundary)]))
  const reading: Reading = { definitions, boundaries }
  const graphs = new Map<GraphId, Graph>([[ROOT, { ...readGraph(root, ROOT, reading), rest: rootRest(root) }]])
  for (const each of inner) {
    const id = textOf(each["id"])
    graphs.set(id, readSubgraph(each, id, reading))
  }
  const whole = withGroupWidgetsShown(withHostValues({ graphs }, definitions), definitions, opened)
  return withProxiesShown(whole, definitions)
}

interface Reading {
  readonly definitions: Definitions
  /** The inputs of each subgraph. */
  readonly boundaries: ReadonlyMap<GraphId, readonly Boundary[]>
}

function rootRest(raw: JsonObject): JsonObject {
  const extra = withoutKeys(asObject(raw["extra"]), ["reroutes", "linkExtensions"])
  return { ...withoutKeys(raw, OF_GRAPHS), extra }
}

function readSubgraph(raw: JsonObject, id: GraphId, reading: Reading): Graph {
  return {
    ...readGraph(raw, id, reading),
    name: textOf(raw["name"]) || id,
    inputs: reading.boundaries.get(id) ?? [],
    outputs: objects(raw["outputs"]).map(boundary),
    inputColumn: column(raw["inputNode"], { x: -200, y: 0, width: 120, height: 60 }),
    outputColumn: column(raw["outputNode"], { x: 800, y: 0, width: 120, height: 60 }),
    rest: withoutKeys(raw, OF_SUBGRAPHS),
  }
}

function column(raw: unknown, otherwise: Graph["inputColumn"]): Graph["inputColumn"] {
  const bounding = asObject(raw)["bounding"]
  if (!isList(bounding)) return otherwise
  const [x, y, width, height] = bounding.map(Number)
  return { x: x ?? otherwise.x, y: y ?? otherwise.y, width: width ?? otherwise.width, height: height ?? otherwise.height }
}

function boundary(raw: JsonObject, at: number): Boundary {
  const slot = { ...readSlot(raw, ["id", "linkIds"]), id: textOf(raw["id"]) || `slot-${at}` }
  return slot
}

function readGraph(raw: JsonObject, id: GraphId, reading: Reading): Graph {
  const saved = firstOfEachId(raw["nodes"], id === ROOT ? "the workflow" : textOf(raw["name"]) || id)
  const edges = new Edges(raw, saved)
  const drawn = readDrawn(raw)
  const nodes = new Map<string, Node>()
  const links = new Map<string, Link>()
  const join = (link: SavedLink | undefined, node: string, input: string): void => {
    if (link === undefined || links.has(link.id)) return
    links.set(link.id, readLink(link, node, input, drawn.via))
  }
  for (const [key, each] of saved) {
    const node = readNode(key, each, reading)
    nodes.set(key, node)
    const names = new Set(node.inputs.map((input) => input.name))
    for (const [at, slot] of objects(each["inputs"]).entries()) {
      const name = inputName(objects(each["inputs"]), at)
      if (names.has(name)) join(edges.linkInto(key, at, slot["link"]), key, name)
    }
  }
  for (const [at, slot] of objects(raw["outputs"]).entries()) {
    if (id !== ROOT) join(edges.linkIntoOutput(at, slot), OUTPUTS, boundary(slot, at).id)
  }
  const inOrder = new Map([...edges.ids()].flatMap((each) => links.get(each) ?? []).map((link) => [link.id, link]))
  return { ...emptyGraph(id), nodes, links: inOrder, ...drawn.drawnOn(inOrder) }
}

function readLink(saved: SavedLink, node: string, input: string, vias: ReadonlyMap<string, string>): Link {
  const { raw } = saved
  const type = isList(raw) ? raw[5] : asObject(raw)["type"]
  const rest = isObject(raw)
    ? withoutKeys(raw, ["id", "origin_id", "origin_slot", "target_id", "target_slot", "type", "parentId"])
    : {}
  const via = vias.get(saved.id)
  return {
    id: saved.id,
    from: { node: saved.source.node, output: saved.source.slot },
    to: { node, input },
    type: typeOf(type),
    ...(via === undefined ? {} : { via }),
    ...(Object.keys(rest).length > 0 ? { rest } : {}),
  }
}

/** The name of an input, made unique where a file repeats one. */
function inputName(slots: readonly JsonObject[], at: number): string {
  const name = textOf(slots[at]?.["name"])
  const isRepeated = slots.slice(0, at).some((each) => textOf(each["name"]) === name)
  return isRepeated ? `${name}#${at}` : name
}

function readNode(id: string, raw: JsonObject, reading: Reading): Node {
  const type = textOf(raw["type"])
  const { title, color, bgcolor, mode } = raw
  const base = {
    id,
    type,
    ...(typeof title === "string" ? { title } : {}),
    at: pointOf(raw["pos"]),
    size: sizeOf(raw["size"]),
    mode: typeof mode === "number" ? mode : 0,
    ...(typeof color === "string" ? { color } : {}),
    ...(typeof bgcolor === "string" ? { bgcolor } : {}),
    flags: asObject(raw["flags"]),
    properties: asObject(raw["properties"]),
    rest: withoutKeys(raw, OF_NODES),
  }
  const slots = objects(raw["inputs"])
  const saved = slots.map((slot, at) => ({ ...readSlot(slot, ["link", "widget"]), name: inputName(slots, at), ...widgetField(slot) }))
  const outputs = objects(raw["outputs"]).map((slot) => readSlot(slot, ["links"]))
  const own = reading.boundaries.get(type)
  if (own !== undefined) return { ...base, ...held(raw), inputs: joined(own, saved), outputs, values: {} }
  const definition = reading.definitions[type]
  if (definition === undefined) {
    if (!hasOwnValues(type)) return { ...base, ...held(raw), inputs: saved, outputs, values: {} }
    return { ...base, inputs: saved, outputs, values: ownValues(type, raw["widgets_values"]) }
  }
  const named = asObject(raw["widgets_values_named"])
  const layout = layOutSaved({ type, values: raw["widgets_values"], named }, definition)
  const values = layout.widgets.flatMap(({ widget, value }) => (value === undefined ? [] : [[widget.key, value] as const]))
  const known = new Set(layout.inputs.map((each) => each.name))
  return {
    ...base,
    ...(isObject(raw["widgets_values"]) ? { rest: { ...base.rest, widgets_values: raw["widgets_values"] } } : {}),
    inputs: [...joined(layout.inputs, saved), ...saved.filter((each) => !known.has(each.name) && each.widget === undefined)],
    outputs: joinedOutputs(outputsOf(definition), outputs),
    values: Object.fromEntries(values),
  }
}

/** The values of a node as they came, to be written back as they came. */
function held(raw: JsonObject): { held?: Json; rest: JsonObject } {
  const named = raw["widgets_values_named"]
  const rest = withoutKeys(raw, OF_NODES)
  return {
    ...(raw["widgets_values"] === undefined ? {} : { held: raw["widgets_values"] }),
    rest: named === undefined ? rest : { ...rest, widgets_values_named: named },
  }
}

function widgetField(slot: JsonObject): { widget?: string } {
  const widget = widgetOf(slot)
  return widget === undefined ? {} : { widget }
}

function readSlot(raw: JsonObject, more: readonly string[]): Output {
  const { label } = raw
  const rest = withoutKeys(raw, ["name", "type", "label", ...more])
  return {
    name: textOf(raw["name"]),
    type: typeOf(raw["type"]),
    ...(typeof label === "string" ? { label } : {}),
    ...(Object.keys(rest).length > 0 ? { rest } : {}),
  }
}

/** The slots that a type has, with what the file says of the same names. */
function joined(fresh: readonly Input[], saved: readonly Input[]): Input[] {
  return fresh.map(({ name, type, widget, rest }) => {
    const known = saved.find((each) => each.name === name && each.type === type) ?? saved.find((each) => each.name === name)
    const more = { ...known?.rest, ...rest }
    return {
      name,
      type,
      ...(widget === undefined ? {} : { widget }),
      ...(known?.label === undefined ? {} : { label: known.label }),
      ...(Object.keys(more).length > 0 ? { rest: more } : {}),
    }
  })
}

/** A type's outputs; where they take their type from what is connected, the file knows it. */
function joinedOutputs(fresh: readonly Output[], saved: readonly Output[]): Output[] {
  const known = fresh.map((slot, at) => {
    const old = saved[at]
    if (old === undefined) return slot.type === MATCH ? { ...slot, type: "*" } : slot
    return { ...old, name: slot.name, type: slot.type === MATCH ? old.type : slot.type }
  })
  return [...known, ...saved.slice(fresh.length)]
}

/** Hosts get the values of their promoted inputs by name, where their file has them in the present form. */
function withHostValues(workflow: Workflow, definitions: Definitions): Workflow {
  const graphs = [...workflow.graphs].map(([id, graph]) => {
    const nodes = [...graph.nodes].map(([key, node]) => [key, hostWithValues(node, workflow, definitions)] as const)
    return [id, { ...graph, nodes: new Map(nodes) }] as const
  })
  return { graphs: new Map(graphs) }
}

function hostWithValues(node: Node, workflow: Workflow, definitions: Definitions): Node {
  const subgraph = node.type === ROOT ? undefined : workflow.graphs.get(node.type)
  if (subgraph === undefined) return node
  const targets = promotedTargets(workflow, definitions, node.type)
  const inputs = node.inputs.map((input) => (targets.has(input.name) ? { ...input, widget: input.name } : input))
  const outputs = subgraph.outputs.map(({ name, type }, at) => ({ ...node.outputs[at], name, type }))
  const proxies = node.properties["proxyWidgets"]
  if (isList(proxies) && proxies.length > 0) return { ...node, inputs, outputs }
  const names = inputs.flatMap((input) => input.widget ?? [])
  const list = isList(node.held) ? node.held : []
  const named = asObject(node.rest["widgets_values_named"])
  const byName = isObject(node.held) ? node.held : list.length === names.length ? undefined : named
  const pairs = names.map((name, at) => [name, byName !== undefined && name in byName ? byName[name] : list[at]] as const)
  const values = pairs.flatMap(([name, value]) => (value === undefined || value === null ? [] : [[name, value] as const]))
  const host = { ...node }
  delete host.held
  return {
    ...host,
    inputs,
    outputs,
    values: Object.fromEntries(values),
    rest: withoutKeys(node.rest, ["widgets_values_named"]),
  }
}
