/** A prompt in API format becomes a document: nodes in columns, linked by the names of their inputs. */

import { isList, isObject, textOf, type Json, type JsonObject } from "~/document/json"
import { asObject, type Definitions } from "~/document/schema/definition"
import { controlKey, layOut } from "~/document/schema/layout"
import { nodeOfType } from "~/document/schema/template"
import { ANY, emptyGraph, ROOT, type Graph, type Input, type Link, type Node, type Output, type Workflow } from "~/document/workflow"

const LEFT = 100
const TOP = 130
const GAP = 100
const ROW_GAP = 60

export function isPrompt(value: unknown): value is JsonObject {
  if (!isObject(value)) return false
  const entries = Object.values(value)
  return entries.length > 0 && entries.every((each) => isObject(each) && typeof each["class_type"] === "string" && isObject(each["inputs"]))
}

export function workflowOfPrompt(prompt: JsonObject, definitions: Definitions): Workflow {
  const names = newNames(Object.keys(prompt))
  const ends = new Map<string, string[]>()
  const nodes = new Map<string, Node>()
  for (const [id, entry] of Object.entries(prompt)) {
    const node = nodeOf(names.get(id) ?? id, asObject(entry), definitions)
    nodes.set(node.id, node)
  }
  const links = new Map<string, Link>()
  for (const [id, entry] of Object.entries(prompt)) {
    for (const [input, value] of Object.entries(asObject(asObject(entry)["inputs"]))) {
      const source = sourceOf(value, names)
      const target = names.get(id) ?? id
      const origin = source && nodes.get(source.node)
      if (source === undefined || origin === undefined) continue
      nodes.set(source.node, withOutputs(origin, source.output))
      const type = nodes.get(source.node)?.outputs[source.output]?.type ?? ANY
      const link = { id: String(links.size + 1), from: source, to: { node: target, input }, type }
      links.set(link.id, link)
      ends.set(target, [...(ends.get(target) ?? []), source.node])
    }
  }
  const graph: Graph = { ...emptyGraph(ROOT), nodes: inColumns(nodes, ends), links, rest: { extra: {} } }
  return { graphs: new Map([[ROOT, graph]]) }
}

/** Ids as workflows have them: a colon becomes an underscore. */
function newNames(ids: readonly string[]): Map<string, string> {
  const taken = new Set(ids.filter((id) => !id.includes(":")))
  return new Map(
    ids.map((id) => {
      let name = id.replaceAll(":", "_")
      while (name !== id && taken.has(name)) name += "_"
      taken.add(name)
      return [id, name]
    }),
  )
}

function sourceOf(value: Json | undefined, names: ReadonlyMap<string, string>): { node: string; output: number } | undefined {
  if (!isList(value) || value.length !== 2) return undefined
  const [id, output] = value
  const node = names.get(textOf(id))
  return node === undefined || typeof output !== "number" ? undefined : { node, output }
}

/** A node with the values of its entry; one of a type that is not known gets sockets for what it is linked to. */
function nodeOf(id: string, entry: JsonObject, definitions: Definitions): Node {
  const type = textOf(entry["class_type"])
  const meta = asObject(entry["_meta"])
  const given = asObject(entry["inputs"])
  const definition = definitions[type]
  const title = textOf(meta["title"])
  const linked = Object.keys(given).filter((name) => isList(given[name]))
  if (definition === undefined) {
    const pack = Object.fromEntries(["cnr_id", "aux_id", "ver"].flatMap((key) => (key in meta ? [[key, meta[key]] as const] : [])))
    const values = Object.entries(given).filter(([, value]) => !isList(value)).map(([, value]) => unwrapped(value ?? null))
    const inputs = linked.map((name): Input => ({ name, type: ANY }))
    const size = { width: 240, height: Math.max(60, inputs.length * 24) }
    const base: Node = {
      ...{ id, type, at: { x: 0, y: 0 }, size, mode: 0, flags: {}, inputs, outputs: [], values: {}, rest: {} },
      properties: { "Node name for S&R": type, ...pack },
      held: values,
    }
    return title === "" || title === type ? base : { ...base, title }
  }
  const fresh = nodeOfType(type, definition, id, { x: 0, y: 0 })
  const layout = layOut(type, definition, (widget) => {
    if (widget.controls !== undefined) return widget.key === controlKey(widget.controls) ? "fixed" : widget.default
    const value = given[widget.name]
    return widget.isSent && value !== undefined && !isList(value) ? unwrapped(value) : widget.default
  })
  const known = new Set(layout.inputs.map((each) => each.name))
  const grown = linked.filter((name) => !known.has(name)).map((name): Input => ({ name, type: ANY }))
  const values = layout.widgets.flatMap(({ widget, value }) => (value === undefined ? [] : [[widget.key, value] as const]))
  const node = { ...fresh, inputs: [...layout.inputs, ...grown], values: Object.fromEntries(values) }
  return title === "" || title === (definition.display_name || type) ? node : { ...node, title }
}

/** A literal as it is held: lists come wrapped. */
function unwrapped(value: Json): Json {
  return isObject(value) && "__value__" in value ? (value["__value__"] ?? null) : value
}

/** A node of a type that is not known has as many outputs as are asked for. */
function withOutputs(node: Node, output: number): Node {
  if (output < node.outputs.length || node.held === undefined) return node
  const more = Array.from({ length: output + 1 - node.outputs.length }, (_, at): Output => {
    const name = `output_${node.outputs.length + at}`
    return { name, type: ANY }
  })
  return { ...node, outputs: [...node.outputs, ...more] }
}

/** Lay nodes out in columns by the longest way from a source. */
function inColumns(nodes: ReadonlyMap<string, Node>, sources: ReadonlyMap<string, readonly string[]>): Map<string, Node> {
  const depths = new Map<string, number>()
  const depthOf = (id: string, above: ReadonlySet<string>): number => {
    const known = depths.get(id)
    if (known !== undefined) return known
    if (above.has(id)) return 0
    const inner = new Set([...above, id])
    const depth = (sources.get(id) ?? []).reduce((most, each) => Math.max(most, depthOf(each, inner) + 1), 0)
    depths.set(id, depth)
    return depth
  }
  const columns: Node[][] = []
  for (const node of nodes.values()) {
    const depth = depthOf(node.id, new Set())
    ;(columns[depth] ??= []).push(node)
  }
  const placed = new Map<string, Node>()
  let x = LEFT
  for (const column of columns) {
    let y = TOP
    for (const node of column) {
      placed.set(node.id, { ...node, at: { x, y } })
      y += node.size.height + ROW_GAP
    }
    x += Math.max(0, ...column.map((node) => node.size.width)) + GAP
  }
  return new Map([...nodes.keys()].flatMap((id) => placed.get(id) ?? []).map((node) => [node.id, node]))
}
