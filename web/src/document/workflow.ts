/** A workflow as frozen data: what is on the canvas, and all else that its file says. */

import type { Json, JsonObject } from "~/document/json"

export type NodeId = string
export type LinkId = string
export type GroupId = string
export type RerouteId = string
/** `ROOT`, or the id of a subgraph's definition. */
export type GraphId = string

export const ROOT: GraphId = "root"
export const ANY = "*"
/** The column of a subgraph's own inputs: links come from it as from a node. */
export const INPUTS: NodeId = "-10"
/** The column of a subgraph's outputs: links end on it by the id of the output. */
export const OUTPUTS: NodeId = "-20"

export const ALWAYS = 0
export const MUTED = 2
export const BYPASSED = 4

/** How high the title of a node is, which lies above its body. */
export const TITLE_HEIGHT = 30

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Rect extends Point, Size {}

export interface Input {
  /** Unique within its node; links name it. */
  readonly name: string
  /** `*` for any, `A,B` for one of several. */
  readonly type: string
  /** The name of the widget that this socket takes the place of while it is linked. */
  readonly widget?: string | undefined
  readonly label?: string | undefined
  /** What else the file says of it. */
  readonly rest?: JsonObject | undefined
}

/** Outputs count by position; their names need not be unique. */
export interface Output {
  readonly name: string
  readonly type: string
  readonly label?: string | undefined
  readonly rest?: JsonObject | undefined
}

export interface Node {
  readonly id: NodeId
  /** A type of /object_info, one of the editor's own, or the id of a subgraph's definition. */
  readonly type: string
  /** Only where it differs from the type's. */
  readonly title?: string | undefined
  /** The top left corner of the body; the title lies above. */
  readonly at: Point
  readonly size: Size
  readonly mode: number
  readonly color?: string | undefined
  readonly bgcolor?: string | undefined
  /** `collapsed`, `pinned` and others. */
  readonly flags: JsonObject
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
  /** What the widgets hold, by their keys; those of hosts by the names of inputs. */
  readonly values: Readonly<Record<string, Json>>
  /** `widgets_values` as they came, of nodes whose type is not known: written back untouched. */
  readonly held?: Json | undefined
  readonly properties: JsonObject
  readonly rest: JsonObject
}

export interface Link {
  readonly id: LinkId
  readonly from: { readonly node: NodeId; readonly output: number }
  readonly to: { readonly node: NodeId; readonly input: string }
  readonly type: string
  /** The reroute next to the target. */
  readonly via?: RerouteId | undefined
  readonly rest?: JsonObject | undefined
}

/** A point through which links are drawn; execution knows nothing of it. */
export interface Reroute {
  readonly id: RerouteId
  readonly at: Point
  /** The next one towards the origin. */
  readonly parent?: RerouteId | undefined
  readonly rest?: JsonObject | undefined
}

export interface Group {
  readonly id: GroupId
  readonly title: string
  readonly at: Point
  readonly size: Size
  readonly color?: string | undefined
  readonly rest?: JsonObject | undefined
}

/** An input or output of a subgraph. */
export interface Boundary {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly label?: string | undefined
  readonly rest?: JsonObject | undefined
}

/** The root, or the inside of a subgraph. */
export interface Graph {
  readonly id: GraphId
  readonly name: string
  readonly nodes: ReadonlyMap<NodeId, Node>
  readonly links: ReadonlyMap<LinkId, Link>
  readonly groups: ReadonlyMap<GroupId, Group>
  readonly reroutes: ReadonlyMap<RerouteId, Reroute>
  /** Edges with one end, as their file has them. */
  readonly floating: readonly JsonObject[]
  readonly inputs: readonly Boundary[]
  readonly outputs: readonly Boundary[]
  readonly inputColumn: Rect
  readonly outputColumn: Rect
  readonly rest: JsonObject
}

export interface Workflow {
  readonly graphs: ReadonlyMap<GraphId, Graph>
}

export function emptyGraph(id: GraphId, name = ""): Graph {
  return {
    id,
    name,
    nodes: new Map(),
    links: new Map(),
    groups: new Map(),
    reroutes: new Map(),
    floating: [],
    inputs: [],
    outputs: [],
    inputColumn: { x: 0, y: 0, width: 120, height: 60 },
    outputColumn: { x: 800, y: 0, width: 120, height: 60 },
    rest: {},
  }
}

export function emptyWorkflow(): Workflow {
  return { graphs: new Map([[ROOT, emptyGraph(ROOT)]]) }
}

/** A graph of a workflow. Throws where it has none of this id. */
export function graphOf(workflow: Workflow, id: GraphId): Graph {
  const found = workflow.graphs.get(id)
  if (found === undefined) throw new Error(`the workflow has no graph ${id}`)
  return found
}

export function isHost(workflow: Workflow, node: Node): boolean {
  return node.type !== ROOT && workflow.graphs.has(node.type)
}

export function isCollapsed(node: Node): boolean {
  return node.flags["collapsed"] === true
}
