/** Every way to change a workflow, as plain values; `apply` makes them happen. */

import type { Json } from "~/document/json"
import type {
  Graph, GraphId, Group, GroupId, Link, LinkId, Node, NodeId, Reroute, RerouteId,
} from "~/document/workflow"

/** What a node, link, group, reroute or graph gets; `undefined` takes an optional field away. */
export type NodeFields = Partial<Omit<Node, "id">>
export type LinkFields = Partial<Omit<Link, "id">>
export type GroupFields = Partial<Omit<Group, "id">>
export type RerouteFields = Partial<Omit<Reroute, "id">>
export type GraphFields = Partial<Omit<Graph, "id" | "nodes" | "links" | "groups" | "reroutes">>

/** `index`: the place among its like, so that what is put back lies where it lay; the end unless said. */
export type Change =
  | { readonly type: "add-node"; readonly graph: GraphId; readonly node: Node; readonly index?: number }
  | { readonly type: "remove-node"; readonly graph: GraphId; readonly id: NodeId }
  | { readonly type: "edit-node"; readonly graph: GraphId; readonly id: NodeId; readonly set: NodeFields }
  | { readonly type: "set-widget"; readonly graph: GraphId; readonly id: NodeId; readonly key: string; readonly to: Json | undefined }
  | { readonly type: "connect"; readonly graph: GraphId; readonly link: Link; readonly index?: number }
  | { readonly type: "disconnect"; readonly graph: GraphId; readonly id: LinkId }
  | { readonly type: "edit-link"; readonly graph: GraphId; readonly id: LinkId; readonly set: LinkFields }
  | { readonly type: "add-group"; readonly graph: GraphId; readonly group: Group; readonly index?: number }
  | { readonly type: "remove-group"; readonly graph: GraphId; readonly id: GroupId }
  | { readonly type: "edit-group"; readonly graph: GraphId; readonly id: GroupId; readonly set: GroupFields }
  | { readonly type: "add-reroute"; readonly graph: GraphId; readonly reroute: Reroute; readonly index?: number }
  | { readonly type: "remove-reroute"; readonly graph: GraphId; readonly id: RerouteId }
  | { readonly type: "edit-reroute"; readonly graph: GraphId; readonly id: RerouteId; readonly set: RerouteFields }
  | { readonly type: "edit-graph"; readonly graph: GraphId; readonly set: GraphFields }
  | { readonly type: "add-graph"; readonly graph: Graph; readonly index?: number }
  | { readonly type: "remove-graph"; readonly id: GraphId }
  | { readonly type: "batch"; readonly changes: readonly Change[] }

export function batch(...changes: readonly Change[]): Change {
  const only = changes[0]
  return changes.length === 1 && only !== undefined ? only : { type: "batch", changes }
}

/** What a change sets for good, however often: of two with the same text, the later alone counts. Else null. */
export function overwrites(change: Change): string | null {
  switch (change.type) {
    case "edit-node":
    case "edit-link":
    case "edit-group":
    case "edit-reroute":
      return JSON.stringify([change.type, change.graph, change.id, Object.keys(change.set).sort()])
    case "edit-graph":
      return JSON.stringify([change.type, change.graph, Object.keys(change.set).sort()])
    case "set-widget":
      return JSON.stringify([change.type, change.graph, change.id, change.key])
    case "batch": {
      const each = change.changes.map(overwrites)
      return each.includes(null) ? null : JSON.stringify(each)
    }
    default:
      return null
  }
}
