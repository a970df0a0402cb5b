/** One open workflow: its history, which of its graphs is shown, and what is selected. */

import { createStore, type StoreApi } from "zustand/vanilla"
import type { Change } from "~/document/change"
import { amend, record, redo, seal, startHistory, undo, type History } from "~/document/history"
import { slotOf } from "~/document/edits/slots"
import { emptyWorkflow, graphOf, ROOT, type Graph, type NodeId, type Workflow } from "~/document/workflow"

export interface EditorState {
  readonly history: History
  /** The hosts that were entered, from the root down; none: the root is shown. */
  readonly path: readonly NodeId[]
  /** Ids of nodes; groups, reroutes and links as `group:1`, `reroute:1`, `link:1`; a subgraph's `input:ID` and `output:ID`. */
  readonly selected: ReadonlySet<string>
  /** The workflow as it was last saved. */
  readonly saved: Workflow
}

export class Editor {
  readonly store: StoreApi<EditorState>

  constructor(workflow: Workflow) {
    this.store = createStore(() => fresh(workflow))
  }

  get state(): EditorState {
    return this.store.getState()
  }

  get workflow(): Workflow {
    return this.state.history.workflow
  }

  /** The graph that is shown. */
  get graph(): Graph {
    return shownGraph(this.state)
  }

  /** Make a change. Changes with the same `gesture` are undone at once, until `seal` ends it. */
  edit(change: Change, gesture?: string): void {
    this.store.setState((state) => settled({ ...state, history: record(state.history, change, gesture) }))
  }

  /** Make a change that is not the user's doing; it cannot be undone by itself. */
  amend(change: Change): void {
    this.store.setState((state) => ({ history: amend(state.history, change) }))
  }

  /** End the gesture that is going on: at the end of a drag, and when a field is left. */
  seal(): void {
    this.store.setState((state) => ({ history: seal(state.history) }))
  }

  undo(): void {
    this.store.setState((state) => settled({ ...state, history: undo(state.history) }))
  }

  redo(): void {
    this.store.setState((state) => settled({ ...state, history: redo(state.history) }))
  }

  select(ids: Iterable<string>): void {
    this.store.setState({ selected: new Set(ids) })
  }

  /** Show the inside of a host of the shown graph. */
  enter(host: NodeId): void {
    this.store.setState((state) => settled({ ...state, path: [...state.path, host], selected: new Set() }))
  }

  /** Show a graph further out: the one with so many hosts around it; unless said the next. */
  leave(depth = this.state.path.length - 1): void {
    this.store.setState((state) => ({ path: state.path.slice(0, Math.max(0, depth)), selected: new Set<string>() }))
  }

  /** Show another workflow in this one's place; nothing of it can be undone. */
  replace(workflow: Workflow): void {
    this.store.setState(fresh(workflow))
  }

  markSaved(workflow = this.workflow): void {
    this.store.setState({ saved: workflow })
  }

  /** What is shown was never saved as it is. */
  markUnsaved(): void {
    this.store.setState({ saved: emptyWorkflow() })
  }
}

function fresh(workflow: Workflow): EditorState {
  return { history: startHistory(workflow), path: [], selected: new Set(), saved: workflow }
}

/** The graph that a state shows. */
export function shownGraph(state: EditorState): Graph {
  return graphAt(state.history.workflow, state.path) ?? graphOf(state.history.workflow, ROOT)
}

/** The graphs from the root to the one that a state shows. */
export function graphsAlong({ history, path }: EditorState): Graph[] {
  return path.map((_, depth) => graphAt(history.workflow, path.slice(0, depth + 1))).reduce<Graph[]>(
    (found, each) => (each === undefined ? found : [...found, each]),
    [graphOf(history.workflow, ROOT)],
  )
}

function graphAt(workflow: Workflow, path: readonly NodeId[]): Graph | undefined {
  let graph = workflow.graphs.get(ROOT)
  for (const host of path) {
    const type = graph?.nodes.get(host)?.type
    graph = type === undefined ? undefined : workflow.graphs.get(type)
  }
  return graph
}

/** Leave graphs that are gone, and let go of what is selected and gone. */
function settled(state: EditorState): EditorState {
  let path = state.path
  while (path.length > 0 && graphAt(state.history.workflow, path) === undefined) path = path.slice(0, -1)
  const graph = shownGraph({ ...state, path })
  const isThere = (id: string) =>
    graph.nodes.has(id) ||
    (id.startsWith("group:") && graph.groups.has(id.slice(6))) ||
    (id.startsWith("reroute:") && graph.reroutes.has(id.slice(8))) ||
    (id.startsWith("link:") && graph.links.has(id.slice(5))) ||
    slotOf(graph, id) !== null
  const selected = [...state.selected].every(isThere) ? state.selected : new Set([...state.selected].filter(isThere))
  return { ...state, path, selected }
}

export function isChanged(state: EditorState): boolean {
  return state.history.workflow !== state.saved
}

/** The id under which the server runs a node of the shown graph. */
export function executionId(path: readonly NodeId[], node: NodeId): string {
  return [...path, node].join(":")
}
