/** Makes a change happen: the workflow after it, and the change that takes it back. */

import { batch, type Change } from "~/document/change"
import { leadsTo } from "~/document/links"
import {
  INPUTS, OUTPUTS, type Graph, type GraphId, type Group, type Link, type Node, type Reroute, type Workflow,
} from "~/document/workflow"

export interface Applied {
  readonly workflow: Workflow
  readonly inverse: Change
}

/** Apply a change. Throws for one that does not fit, such as an edit of a node that is not there; nothing is changed then. */
export function apply(workflow: Workflow, change: Change): Applied {
  const draft = new Draft(workflow)
  const inverse = make(draft, change)
  return { workflow: draft.finish(), inverse }
}

type Entries = { nodes: Node; links: Link; groups: Group; reroutes: Reroute }
type Kind = keyof Entries

/** A workflow under change: what is written to is copied once, the rest is shared. */
class Draft {
  private readonly graphs: Map<GraphId, Graph>
  private readonly fresh = new Map<GraphId, Map<Kind, Map<string, unknown>>>()

  constructor(private readonly before: Workflow) {
    this.graphs = new Map(before.graphs)
  }

  finish(): Workflow {
    return { ...this.before, graphs: this.graphs }
  }

  graph(id: GraphId): Graph {
    const found = this.graphs.get(id)
    if (found === undefined) throw new Error(`there is no graph ${id}`)
    return found
  }

  setGraph(graph: Graph): void {
    this.graphs.set(graph.id, graph)
  }

  putGraph(graph: Graph, index: number | undefined): void {
    if (this.graphs.has(graph.id)) throw new Error(`there is a graph ${graph.id} already`)
    put(this.graphs, graph.id, graph, index)
  }

  takeGraph(id: GraphId): { graph: Graph; index: number } {
    const graph = this.graph(id)
    const index = [...this.graphs.keys()].indexOf(id)
    this.graphs.delete(id)
    this.fresh.delete(id)
    return { graph, index }
  }

  get<K extends Kind>(graph: GraphId, kind: K, id: string): Entries[K] {
    const found = (this.graph(graph)[kind] as ReadonlyMap<string, Entries[K]>).get(id)
    if (found === undefined) throw new Error(`graph ${graph} has no ${kind.slice(0, -1)} ${id}`)
    return found
  }

  set<K extends Kind>(graph: GraphId, kind: K, entry: Entries[K]): void {
    this.writable(graph, kind).set(entry.id, entry)
  }

  add<K extends Kind>(graph: GraphId, kind: K, entry: Entries[K], index: number | undefined): void {
    const entries = this.writable(graph, kind)
    if (entries.has(entry.id)) throw new Error(`graph ${graph} has a ${kind.slice(0, -1)} ${entry.id} already`)
    put(entries, entry.id, entry, index)
  }

  take<K extends Kind>(graph: GraphId, kind: K, id: string): { entry: Entries[K]; index: number } {
    const entry = this.get(graph, kind, id)
    const entries = this.writable(graph, kind)
    const index = [...entries.keys()].indexOf(id)
    entries.delete(id)
    return { entry, index }
  }

  private writable<K extends Kind>(id: GraphId, kind: K): Map<string, Entries[K]> {
    const graph = this.graph(id)
    const copies = this.fresh.get(id) ?? new Map<Kind, Map<string, unknown>>()
    this.fresh.set(id, copies)
    const known = copies.get(kind)
    if (known !== undefined && known === (graph[kind] as unknown)) return known as Map<string, Entries[K]>
    const copy = new Map(graph[kind] as ReadonlyMap<string, Entries[K]>)
    copies.set(kind, copy)
    this.graphs.set(id, { ...graph, [kind]: copy })
    return copy
  }
}

/** Put an entry at a place of a map; what comes after it moves on. */
function put<V>(map: Map<string, V>, key: string, value: V, index: number | undefined): void {
  const after = index === undefined ? [] : [...map].slice(index)
  for (const [each] of after) map.delete(each)
  map.set(key, value)
  for (const [each, held] of after) map.set(each, held)
}

function make(draft: Draft, change: Change): Change {
  switch (change.type) {
    case "add-node":
      draft.add(change.graph, "nodes", change.node, change.index)
      return { type: "remove-node", graph: change.graph, id: change.node.id }
    case "remove-node":
      return removeNode(draft, change.graph, change.id)
    case "edit-node":
      return edit(draft, "nodes", change)
    case "set-widget":
      return setWidget(draft, change)
    case "connect":
      return connect(draft, change.graph, change.link, change.index)
    case "disconnect":
      return disconnect(draft, change.graph, change.id)
    case "edit-link":
      mustFit(draft.graph(change.graph), { ...draft.get(change.graph, "links", change.id), ...change.set })
      return edit(draft, "links", change)
    case "add-group":
      draft.add(change.graph, "groups", change.group, change.index)
      return { type: "remove-group", graph: change.graph, id: change.group.id }
    case "remove-group": {
      const { entry: group, index } = draft.take(change.graph, "groups", change.id)
      return { type: "add-group", graph: change.graph, group, index }
    }
    case "edit-group":
      return edit(draft, "groups", change)
    case "add-reroute":
      mustHave(draft.graph(change.graph), change.reroute.parent)
      draft.add(change.graph, "reroutes", change.reroute, change.index)
      return { type: "remove-reroute", graph: change.graph, id: change.reroute.id }
    case "remove-reroute":
      return removeReroute(draft, change.graph, change.id)
    case "edit-reroute":
      mustHave(draft.graph(change.graph), change.set.parent)
      if (leadsTo(draft.graph(change.graph).reroutes, change.set.parent, change.id)) {
        throw new Error(`reroute ${change.id} would come before itself`)
      }
      return edit(draft, "reroutes", change)
    case "edit-graph": {
      const graph = draft.graph(change.graph)
      draft.setGraph({ ...graph, ...change.set })
      return { ...change, set: fieldsOf(graph, change.set) }
    }
    case "add-graph":
      draft.putGraph(change.graph, change.index)
      return { type: "remove-graph", id: change.graph.id }
    case "remove-graph": {
      const { graph, index } = draft.takeGraph(change.id)
      return { type: "add-graph", graph, index }
    }
    case "batch":
      return batch(...change.changes.map((each) => make(draft, each)).reverse())
  }
}

type Edit = Extract<Change, { type: "edit-node" | "edit-link" | "edit-group" | "edit-reroute" }>

function edit(draft: Draft, kind: Kind, change: Edit): Change {
  const entry = draft.get(change.graph, kind, change.id)
  draft.set(change.graph, kind, without({ ...entry, ...change.set }, change.set))
  return { ...change, set: fieldsOf(entry, change.set) } as Change
}

/** The fields of a value that a change is about to set. */
function fieldsOf<T extends object, F extends object>(value: T, set: F): F {
  return Object.fromEntries(Object.keys(set).map((key) => [key, (value as Record<string, unknown>)[key]])) as F
}

/** A value without the fields that were set to nothing, so that it equals one that never had them. */
function without(value: Entries[Kind], set: object): Entries[Kind] {
  const gone = Object.entries(set).filter(([, to]) => to === undefined)
  for (const [key] of gone) Reflect.deleteProperty(value, key)
  return value
}

function setWidget(draft: Draft, change: Extract<Change, { type: "set-widget" }>): Change {
  const node = draft.get(change.graph, "nodes", change.id)
  const { [change.key]: before, ...others } = node.values
  const values = change.to === undefined ? others : { ...node.values, [change.key]: change.to }
  draft.set(change.graph, "nodes", { ...node, values })
  return { ...change, to: before }
}

/** Throw for a link that ends nowhere. */
function mustFit(graph: Graph, link: Pick<Link, "from" | "to" | "via">): void {
  for (const [id, column] of [
    [link.from.node, INPUTS],
    [link.to.node, OUTPUTS],
  ] as const) {
    if (id !== column && !graph.nodes.has(id)) throw new Error(`graph ${graph.id} has no node ${id} to link`)
  }
  mustHave(graph, link.via)
}

function mustHave(graph: Graph, reroute: string | undefined): void {
  if (reroute !== undefined && !graph.reroutes.has(reroute)) throw new Error(`graph ${graph.id} has no reroute ${reroute}`)
}

function removeNode(draft: Draft, graph: GraphId, id: string): Change {
  const linked = [...draft.graph(graph).links.values()].filter((link) => link.from.node === id || link.to.node === id)
  const restored = linked.map((link) => disconnect(draft, graph, link.id))
  const { entry: node, index } = draft.take(graph, "nodes", id)
  return batch({ type: "add-node", graph, node, index }, ...restored.reverse())
}

/** Link two slots. What the input was linked to before is let go. */
function connect(draft: Draft, graph: GraphId, link: Link, index: number | undefined): Change {
  mustFit(draft.graph(graph), link)
  const taken = [...draft.graph(graph).links.values()].filter(
    (each) => each.to.node === link.to.node && each.to.input === link.to.input,
  )
  const restored = taken.map((each) => disconnect(draft, graph, each.id))
  draft.add(graph, "links", link, index)
  return batch({ type: "disconnect", graph, id: link.id }, ...restored.reverse())
}

function disconnect(draft: Draft, graph: GraphId, id: string): Change {
  const { entry: link, index } = draft.take(graph, "links", id)
  return { type: "connect", graph, link, index }
}

/** Take a reroute out; what went through it goes on to the next one. */
function removeReroute(draft: Draft, graph: GraphId, id: string): Change {
  const { parent } = draft.get(graph, "reroutes", id)
  const { links, reroutes } = draft.graph(graph)
  const restored: Change[] = []
  for (const link of links.values()) {
    if (link.via === id) restored.push(edit(draft, "links", { type: "edit-link", graph, id: link.id, set: { via: parent } }))
  }
  for (const each of reroutes.values()) {
    if (each.parent === id) restored.push(edit(draft, "reroutes", { type: "edit-reroute", graph, id: each.id, set: { parent } }))
  }
  const { entry: reroute, index } = draft.take(graph, "reroutes", id)
  return batch({ type: "add-reroute", graph, reroute, index }, ...restored.reverse())
}
