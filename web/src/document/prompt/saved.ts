/** A workflow's file as plain data: both versions in one form, and nothing but what the file says. */

import { isList, isObject, objects, textOf, type Json, type JsonObject } from "~/document/json"
import { withGroupNodesOpened } from "~/document/prompt/group_nodes"
import { WorkflowError } from "~/document/prompt/trouble"
import { asObject, typeOf } from "~/document/schema/definition"
import { BYPASSED, INPUTS, MUTED, OUTPUTS } from "~/document/workflow"

/** Where an edge begins: an output of a node, or of the column `INPUTS`. */
export interface Source {
  readonly node: string
  readonly slot: number
}

/** An input or output of a node or of a subgraph. Outputs of nodes have no source. */
export interface Slot {
  readonly name: string
  readonly type: string
  readonly source?: Source | undefined
  readonly widget?: string | undefined
}

/** A node as the file has it, not yet compared with any definition. */
export interface SavedNode {
  readonly id: string
  readonly type: string
  readonly mode: number
  readonly title?: string | undefined
  readonly inputs: readonly Slot[]
  readonly outputs: readonly Slot[]
  readonly properties: JsonObject
  readonly values: Json | undefined
  readonly named: JsonObject
}

/** The root, whose id is empty, or the inside of a subgraph with its own inputs and outputs. */
export interface SavedGraph {
  readonly id: string
  readonly name: string
  readonly nodes: ReadonlyMap<string, SavedNode>
  readonly inputs: readonly Slot[]
  readonly outputs: readonly Slot[]
}

export interface SavedWorkflow {
  readonly root: SavedGraph
  readonly subgraphs: ReadonlyMap<string, SavedGraph>
}

export function isMuted(node: SavedNode): boolean {
  return node.mode === MUTED
}

export function isBypassed(node: SavedNode): boolean {
  return node.mode === BYPASSED
}

/** Read a workflow of version 0.4 or 1. Throws WorkflowError where the file cannot be a workflow. */
export function readSaved(raw: Json): SavedWorkflow {
  if (!isObject(raw) || !isList(raw["nodes"])) {
    throw new WorkflowError("This is no workflow: a workflow is an object with a list called nodes.")
  }
  const [root, ...subgraphs] = withGroupNodesOpened(raw, definitionsIn(raw))
  return {
    root: graph(root, "", "the workflow"),
    subgraphs: new Map(
      subgraphs.map((each) => {
        const id = textOf(each["id"])
        return [id, graph(each, id, textOf(each["name"]) || id)]
      }),
    ),
  }
}

/** Every subgraph, however deep older files keep it; the first with an id wins. */
export function definitionsIn(workflow: JsonObject): JsonObject[] {
  const found = new Map<string, JsonObject>()
  const waiting = [workflow]
  for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
    for (const inner of objects(asObject(each["definitions"])["subgraphs"])) {
      const id = textOf(inner["id"])
      if (id === "" || found.has(id)) continue
      found.set(id, inner)
      waiting.push(inner)
    }
  }
  return [...found.values()]
}

function graph(raw: JsonObject, id: string, name: string): SavedGraph {
  const nodes = firstOfEachId(raw["nodes"], name)
  const edges = new Edges(raw, nodes)
  return {
    id,
    name,
    nodes: new Map([...nodes].map(([key, each]) => [key, node(key, each, edges)])),
    inputs: objects(raw["inputs"]).map(slot),
    outputs: objects(raw["outputs"]).map((each, at) => ({ ...slot(each), source: edges.intoOutput(at, each) })),
  }
}

/** The nodes of a graph by their ids, as text. Throws WorkflowError for one without id or type. */
export function firstOfEachId(raw: Json | undefined, graph: string): Map<string, JsonObject> {
  const nodes = new Map<string, JsonObject>()
  for (const each of isList(raw) ? raw : []) {
    const id = isObject(each) ? textOf(each["id"]) : ""
    if (!isObject(each) || id === "" || typeof each["type"] !== "string") {
      const shown = JSON.stringify(each, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))
      throw new WorkflowError(`A node of ${graph} has no id or no type: ${shown.slice(0, 120)}`)
    }
    if (!nodes.has(id)) nodes.set(id, each)
  }
  return nodes
}

function node(id: string, raw: JsonObject, edges: Edges): SavedNode {
  const { title, mode } = raw
  return {
    id,
    type: textOf(raw["type"]),
    mode: typeof mode === "number" ? mode : 0,
    title: typeof title === "string" ? title : undefined,
    inputs: objects(raw["inputs"]).map((each, at) => ({
      ...slot(each),
      source: edges.intoInput(id, at, each["link"]),
      widget: widgetOf(each),
    })),
    outputs: objects(raw["outputs"]).map(slot),
    properties: asObject(raw["properties"]),
    values: raw["widgets_values"],
    named: asObject(raw["widgets_values_named"]),
  }
}

export function widgetOf(slot: JsonObject): string | undefined {
  const name = asObject(slot["widget"])["name"]
  return name === undefined ? undefined : textOf(name)
}

function slot(raw: JsonObject): Slot {
  return { name: textOf(raw["name"]), type: typeOf(raw["type"]) }
}

/** A link as the file has it; slots count by position. */
export interface SavedLink {
  readonly id: string
  readonly source: Source
  readonly target: Source
  readonly raw: Json
}

/**
 * The links of one graph: which link a slot means.
 *
 * An input names its link, and the link names the source. A link that no input names still counts for the slot it
 * aims at. Links from what is not there are dropped.
 */
export class Edges {
  private readonly byId = new Map<string, SavedLink>()
  private readonly aims = new Map<string, SavedLink>()

  constructor(raw: JsonObject, nodes: ReadonlyMap<string, JsonObject>) {
    const named = new Set(
      objects(raw["nodes"]).flatMap((each) => objects(each["inputs"]).map((input) => textOf(input["link"]))),
    )
    const inputs = objects(raw["inputs"]).length
    for (const link of linksIn(raw["links"])) {
      const { node, slot } = link.source
      if (node === INPUTS ? slot < 0 || slot >= inputs : !nodes.has(node) || slot < 0) continue
      if (!this.byId.has(link.id)) this.byId.set(link.id, link)
      const aim = `${link.target.node} ${link.target.slot}`
      if (!named.has(link.id) && !this.aims.has(aim)) this.aims.set(aim, link)
    }
  }

  /** The ids of all links, in the order of the file. */
  ids(): Iterable<string> {
    return this.byId.keys()
  }

  linkInto(node: string, index: number, link: Json | undefined): SavedLink | undefined {
    return this.byId.get(textOf(link)) ?? this.aims.get(`${node} ${index}`)
  }

  linkIntoOutput(index: number, raw: JsonObject): SavedLink | undefined {
    const ids = isList(raw["linkIds"]) ? raw["linkIds"] : []
    const named = ids.map((id) => this.byId.get(textOf(id))).find((link) => link !== undefined)
    return named ?? this.aims.get(`${OUTPUTS} ${index}`)
  }

  intoInput(node: string, index: number, link: Json | undefined): Source | undefined {
    return this.linkInto(node, index, link)?.source
  }

  intoOutput(index: number, raw: JsonObject): Source | undefined {
    return this.linkIntoOutput(index, raw)?.source
  }
}

/** Each link, from the arrays of version 0.4 or the objects of version 1. */
function* linksIn(raw: Json | undefined): Generator<SavedLink> {
  for (const each of isList(raw) ? raw : []) {
    const fields = isObject(each)
      ? ["id", "origin_id", "origin_slot", "target_id", "target_slot"].map((key) => each[key])
      : isList(each) && each.length >= 5
        ? each
        : undefined
    if (fields === undefined) continue
    const [id, origin, from, target, to] = fields
    const [output, input] = [Number(from), Number(to)]
    if (!Number.isInteger(output) || !Number.isInteger(input)) {
      throw new WorkflowError(`Link ${textOf(id)} has a slot that is no number.`)
    }
    const [source, end] = [{ node: textOf(origin), slot: output }, { node: textOf(target), slot: input }]
    yield { id: textOf(id), source, target: end, raw: each }
  }
}
