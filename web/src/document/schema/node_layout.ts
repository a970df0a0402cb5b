/** The widgets of any node on the canvas: of a type, of a subgraph, or of the editor's own. */

import { isList, sameJson, type Json } from "~/document/json"
import { COMBO, inputsOf, type Definition, type Definitions } from "~/document/schema/definition"
import { controlKey, filterKey, layOut, type Widget } from "~/document/schema/layout"
import { GETTER, isNote, PRIMITIVE, SETTER } from "~/document/schema/special"
import { linksOutOf } from "~/document/links"
import { INPUTS, isHost, type Graph, type GraphId, type Node, type Workflow } from "~/document/workflow"

/** Where a node stands: what its widgets are may depend on what it is linked to. */
export interface Place {
  readonly workflow: Workflow
  readonly graph: Graph
  readonly definitions: Definitions
}

interface Last {
  readonly widgets: readonly Widget[]
  /** The type that decided on them alone; a host's and a primitive's depend on what is around. */
  readonly definition: Definition | undefined
}

const last = new WeakMap<Node, Last>()

/** The widgets of a node, in the order of the file; the same list as before where nothing became of them. */
export function widgetsOf(place: Place, node: Node): readonly Widget[] {
  const known = last.get(node)
  const definition = place.definitions[node.type]
  if (known?.definition !== undefined && known.definition === definition) return known.widgets
  const found = widgetsAt(place, node)
  const isSame = known !== undefined && sameJson(known.widgets, found)
  const widgets = isSame ? known.widgets : found
  const dependsOnType = !isHost(place.workflow, node) && node.type !== PRIMITIVE
  last.set(node, { widgets, definition: dependsOnType ? definition : undefined })
  return widgets
}

function widgetsAt(place: Place, node: Node): readonly Widget[] {
  const definition = place.definitions[node.type]
  if (isHost(place.workflow, node)) return hostWidgets(place, node)
  if (isNote(node.type)) return [plain("text", "STRING", { multiline: true })]
  if (node.type === PRIMITIVE) return primitiveWidgets(place, node)
  if ((node.type === SETTER || node.type === GETTER) && definition === undefined) return [plain("name", "STRING", {})]
  if (definition === undefined) return []
  const widgets = widgetsOfType(node, definition)
  return LOOKING.has(node.type) ? widgets.map((each) => looking(each, node)) : widgets
}

const LOOKING = new Set(["PrimitiveInt", "PrimitiveFloat"])
const LOOKS = ["min", "max", "step", "round", "display"]

/** Of some nodes a file says how their number looks and what it may be. */
function looking(widget: Widget, { properties }: Node): Widget {
  const told = LOOKS.flatMap((key) => (properties[key] === undefined ? [] : [[key, properties[key]] as const]))
  return widget.key !== "value" || told.length === 0 ? widget : { ...widget, options: { ...widget.options, ...Object.fromEntries(told) } }
}

const laid = new WeakMap<Definition, Map<string, readonly Widget[]>>()

/** Layouts of a type differ only by the values of what decides on further inputs, and are few. */
function widgetsOfType(node: Node, definition: Definition): readonly Widget[] {
  const known = laid.get(definition) ?? new Map<string, readonly Widget[]>()
  laid.set(definition, known)
  const deciding = inputsOf(definition).some((each) => /DYNAMIC/.test(each.type)) || node.type === "CustomCombo"
  const key = deciding ? JSON.stringify(node.values, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)) : ""
  const found = known.get(key)
  if (found !== undefined) return found
  const layout = layOut(node.type, definition, (widget) => (widget.key in node.values ? node.values[widget.key] : widget.default))
  const widgets = layout.widgets.map((each) => each.widget)
  if (deciding) known.clear()
  known.set(key, widgets)
  return widgets
}

/** A host shows the widgets inside that its inputs end on, under the names of these inputs. */
function hostWidgets(place: Place, host: Node): Widget[] {
  const targets = promotedTargets(place.workflow, place.definitions, host.type)
  return host.inputs.flatMap((input) => {
    const target = targets.get(input.name)
    if (target === undefined) return []
    return [{ ...target.widget, key: input.name, name: input.name, default: target.value, isSaved: true, isSent: true, controls: undefined }]
  })
}

/** A primitive has the widget that it drives, and a word on what follows a run. */
function primitiveWidgets(place: Place, node: Node): Widget[] {
  const link = linksOutOf(place.graph, node.id)[0]
  const target = link === undefined ? undefined : place.graph.nodes.get(link.to.node)
  const driven = target && widgetsOf(place, target).find((each) => each.name === target.inputs.find((input) => input.name === link?.to.input)?.widget)
  const control = { ...plain("control_after_generate", "", {}), default: "fixed", isSent: false, controls: "value" }
  const filter = { ...plain("control_filter", "", {}), default: "", isSent: false, controls: "value" }
  const more = [{ ...control, key: controlKey("value") }, { ...filter, key: filterKey("value") }]
  if (driven === undefined) return [plain("value", "STRING", {}), ...more].filter((each) => each.key in node.values)
  const widgets = [{ ...driven, key: "value", name: "value", controls: undefined }]
  if (!["INT", "FLOAT", COMBO].includes(driven.type)) return widgets
  return [...widgets, ...more.slice(0, driven.type === COMBO ? 2 : 1)]
}

function plain(name: string, type: string, options: Widget["options"]): Widget {
  return { key: name, name, type, options, default: "", isSaved: true, isSent: true }
}

/** What a widget of a node holds. */
export function valueOf(node: Node, widget: Widget): Json | undefined {
  return widget.key in node.values ? node.values[widget.key] : widget.default
}

/** The values of a node as its file has them: `undefined` holes become null, those at the end are left out. */
export function savedValues(node: Node, widgets: readonly Widget[]): Json[] {
  const values = widgets.filter((each) => each.isSaved).map((each) => valueOf(node, each))
  while (values.length > 0 && values.at(-1) === undefined) values.pop()
  return values.map((each) => each ?? null)
}

/** The values of an editor's own node, whose widgets are known by position alone. */
export function ownValues(type: string, values: Json | undefined): Record<string, Json> {
  const list = isList(values) ? values : []
  const keys = isNote(type) ? ["text"] : type === PRIMITIVE ? ["value", controlKey("value"), filterKey("value")] : ["name"]
  return Object.fromEntries(keys.slice(0, list.length).map((key, at) => [key, list[at] ?? null]))
}

/** Whether the values of a type without definition have names all the same. */
export function hasOwnValues(type: string): boolean {
  return isNote(type) || type === PRIMITIVE || type === SETTER || type === GETTER
}

export interface Promoted {
  readonly widget: Widget
  /** What the widget inside holds, in force until a host says otherwise. */
  readonly value: Json | undefined
}

/** By the names of the subgraph's inputs. */
type ByInput = ReadonlyMap<string, Promoted>

interface Looked {
  readonly definitions: Definitions
  readonly bySubgraph: Map<GraphId, ByInput>
}

const looked = new WeakMap<Workflow["graphs"], Looked>()
const NONE: ByInput = new Map()

export function promotedTargets(workflow: Workflow, definitions: Definitions, subgraph: GraphId): ByInput {
  let known = looked.get(workflow.graphs)
  if (known?.definitions !== definitions) {
    known = { definitions, bySubgraph: new Map() }
    looked.set(workflow.graphs, known)
  }
  const found = known.bySubgraph.get(subgraph)
  if (found !== undefined) return found
  known.bySubgraph.set(subgraph, NONE) // ends the search where a subgraph contains itself
  const made = search(workflow, definitions, subgraph)
  known.bySubgraph.set(subgraph, made)
  return made
}

function search(workflow: Workflow, definitions: Definitions, subgraph: GraphId): ByInput {
  const graph = workflow.graphs.get(subgraph)
  if (graph === undefined) return NONE
  const found = new Map<string, Promoted>()
  for (const link of graph.links.values()) {
    const input = link.from.node === INPUTS ? graph.inputs[link.from.output] : undefined
    const node = graph.nodes.get(link.to.node)
    if (input === undefined || node === undefined || found.has(input.name)) continue
    const name = isHost(workflow, node) ? link.to.input : node.inputs.find((each) => each.name === link.to.input)?.widget
    const widget = widgetsOf({ workflow, graph, definitions }, node).find((each) => each.name === name)
    if (widget !== undefined) found.set(input.name, { widget, value: valueOf(node, widget) })
  }
  return found
}
