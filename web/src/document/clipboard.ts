/** Parts of a graph as a text, which goes through the system's clipboard into another window too. */

import { batch, type Change } from "~/document/change"
import { typeFrom } from "~/document/edits/connect"
import { writeWorkflow } from "~/document/formats/write"
import { readWorkflow } from "~/document/formats/read"
import { newGroupId, newLinkIds, newNodeIds, newUuid } from "~/document/ids"
import { isObject, objects, readJson, textOf, writeJson, type Json } from "~/document/json"
import { linkInto } from "~/document/links"
import type { Definitions } from "~/document/schema/definition"
import {
  ANY, graphOf, isHost, ROOT, type Graph, type GraphId, type Link, type Node, type NodeId, type Point, type Workflow,
} from "~/document/workflow"

const MARK = "heddle/clipboard"

/** The nodes and groups with these ids, the links among them, and the subgraphs that they stand for, as JSON. */
export function copyText(workflow: Workflow, graph: GraphId, ids: ReadonlySet<string>, definitions: Definitions): string {
  const whole = graphOf(workflow, graph)
  const nodes = new Map([...whole.nodes].filter(([id]) => ids.has(id)))
  const isInside = (link: Link): boolean => nodes.has(link.from.node) && nodes.has(link.to.node)
  const links = [...whole.links].filter(([, link]) => isInside(link)).map(([id, link]) => [id, withoutVia(link)] as const)
  const part: Graph = {
    ...graphOf(workflow, ROOT),
    nodes,
    links: new Map(links),
    groups: new Map([...whole.groups].filter(([id]) => ids.has(`group:${id}`))),
    reroutes: new Map(),
    floating: [],
    rest: {},
  }
  const file = writeWorkflow({ graphs: new Map([...workflow.graphs, [ROOT, part]]) }, definitions)
  return writeJson({ [MARK]: file, incoming: incomingOf(whole, nodes) })
}

/** The links into some nodes from others, which a copy in the same workflow may have too. */
function incomingOf(graph: Graph, nodes: ReadonlyMap<NodeId, Node>): Json {
  return [...graph.links.values()].flatMap(({ from, to }) => {
    const source = graph.nodes.get(from.node)
    return source === undefined || nodes.has(from.node) || !nodes.has(to.node) ? [] : [{ ...from, type: source.type, to: to.node, input: to.input }]
  })
}

function withoutVia(link: Link): Link {
  const { id, from, to, type, rest } = link
  return { id, from, to, type, ...(rest === undefined ? {} : { rest }) }
}

export interface Pasted {
  readonly change: Change
  /** What the selection becomes. */
  readonly ids: readonly string[]
}

/**
 * Put a copied text into a graph, its top left corner at a point; null for a text that is no copy. `isLinked`: the copies are
 * fed by what fed the copied, where that is in the graph.
 */
export function pasteText(
  workflow: Workflow, graphId: GraphId, text: string, at: Point | null, definitions: Definitions, isLinked = false,
): Pasted | null {
  const copied = readCopy(text, definitions)
  if (copied === null) return null
  return pasteWorkflow(workflow, graphId, copied.workflow, at, isLinked ? copied.incoming : [])
}

interface Incoming {
  readonly from: Link["from"]
  /** What gave it is of this type: in another workflow the id may be another node's. */
  readonly type: string
  readonly to: Link["to"]
}

function readCopy(text: string, definitions: Definitions): { workflow: Workflow; incoming: Incoming[] } | null {
  if (!text.includes(MARK)) return null
  try {
    const value = readJson(text)
    const file = isObject(value) ? value[MARK] : undefined
    if (file === undefined || !isObject(value)) return null
    const incoming = objects(value["incoming"]).map((each) => ({
      from: { node: textOf(each["node"]), output: Number(each["output"]) },
      type: textOf(each["type"]),
      to: { node: textOf(each["to"]), input: textOf(each["input"]) },
    }))
    return { workflow: readWorkflow(file, definitions), incoming }
  } catch {
    return null
  }
}

/** Put the root of a workflow into a graph of another, with new ids. Without a point it lies where it lay. */
export function pasteWorkflow(
  workflow: Workflow, graphId: GraphId, other: Workflow, at: Point | null, incoming: readonly Incoming[] = [],
): Pasted {
  const graph = graphOf(workflow, graphId)
  const part = graphOf(other, ROOT)
  const corner = cornerOf(part)
  const shift = (point: Point): Point => (at === null ? point : { x: point.x - corner.x + at.x, y: point.y - corner.y + at.y })
  const { changes: subgraphs, types } = addedSubgraphs(workflow, other)
  const fresh = newNodeIds(workflow, part.nodes.size)
  const names = new Map<NodeId, NodeId>([...part.nodes.keys()].map((id, index) => [id, fresh[index] ?? id]))
  const nodes = [...part.nodes.values()].map((node) => ({
    ...node,
    id: names.get(node.id) ?? node.id,
    type: isHost(other, node) ? (types.get(node.type) ?? node.type) : node.type,
    at: shift(node.at),
  }))
  const fed = incoming.filter(({ from, type, to }) => {
    const source = graph.nodes.get(from.node)
    return source?.type === type && source.outputs[from.output] !== undefined && names.has(to.node)
  })
  const linkIds = newLinkIds(graph, part.links.size + fed.length)
  const links = [...part.links.values()].map((link, index) => ({
    ...link,
    id: linkIds[index] ?? link.id,
    from: { ...link.from, node: names.get(link.from.node) ?? link.from.node },
    to: { ...link.to, node: names.get(link.to.node) ?? link.to.node },
  }))
  const feeding = fed.map(({ from, to }, index) => ({
    id: linkIds[part.links.size + index] ?? "",
    from,
    to: { ...to, node: names.get(to.node) ?? to.node },
    type: typeFrom(graph, from) ?? ANY,
  }))
  const firstGroup = Number(newGroupId(graph))
  const groups = [...part.groups.values()].map((group, index) => ({ ...group, id: String(firstGroup + index), at: shift(group.at) }))
  return {
    change: batch(
      ...subgraphs,
      ...nodes.map((node) => ({ type: "add-node", graph: graphId, node }) as const),
      ...[...links, ...feeding].map((link) => ({ type: "connect", graph: graphId, link }) as const),
      ...groups.map((group) => ({ type: "add-group", graph: graphId, group }) as const),
    ),
    ids: [...nodes.map((node) => node.id), ...groups.map((group) => `group:${group.id}`)],
  }
}

function cornerOf(graph: Graph): Point {
  const all = [...graph.nodes.values(), ...graph.groups.values()].map((each) => each.at)
  return { x: Math.min(...all.map((each) => each.x)), y: Math.min(...all.map((each) => each.y)) }
}

/** The subgraphs of another workflow that this one lacks. One of the same id but other contents gets an id of its own. */
function addedSubgraphs(workflow: Workflow, other: Workflow): { changes: Change[]; types: Map<GraphId, GraphId> } {
  const types = new Map<GraphId, GraphId>()
  for (const graph of other.graphs.values()) {
    const mine = workflow.graphs.get(graph.id)
    if (graph.id === ROOT) continue
    types.set(graph.id, mine === undefined || sameGraph(mine, graph) ? graph.id : newUuid())
  }
  const renamed = (graph: Graph): Graph => ({
    ...graph,
    id: types.get(graph.id) ?? graph.id,
    nodes: new Map([...graph.nodes].map(([id, node]) => [id, { ...node, type: types.get(node.type) ?? node.type }])),
  })
  const added = [...other.graphs.values()].filter((graph) => graph.id !== ROOT && !workflow.graphs.has(types.get(graph.id) ?? graph.id))
  return { changes: added.map((graph) => ({ type: "add-graph", graph: renamed(graph) }) as const), types }
}

/** Whether two subgraphs hold the same nodes, values and links. */
function sameGraph(a: Graph, b: Graph): boolean {
  if (a === b) return true
  const told = (graph: Graph): string => {
    const nodes = [...graph.nodes.values()].map((node) => [node.id, node.type, node.mode, node.values, node.title ?? ""])
    const links = [...graph.nodes.values()].flatMap((node) =>
      node.inputs.map((input) => {
        const link = linkInto(graph, node.id, input.name)
        return link === undefined ? null : [node.id, input.name, link.from.node, link.from.output]
      }),
    )
    return writeJson([nodes, links, graph.inputs.map((each) => each.name), graph.outputs.map((each) => each.name)])
  }
  return told(a) === told(b)
}
