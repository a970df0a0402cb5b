/** Everything that is shared by what stands on the page: made in main.tsx, handed down by a React context. */

import { createStore, type StoreApi } from "zustand/vanilla"
import type { Change } from "~/document/change"
import { regrown } from "~/document/edits/reshape"
import { sameJson } from "~/document/json"
import type { Definitions } from "~/document/schema/definition"
import type { Place } from "~/document/schema/node_layout"
import { emptyWorkflow, graphOf, ROOT, type NodeId, type Workflow } from "~/document/workflow"
import { EMPTY_QUEUE, type Queue } from "~/run/queue"
import { Editor, executionId } from "~/state/editor"
import { JobLists } from "~/state/job_lists"
import { emptyRun, makeRunStore, tellRun, type RunStore } from "~/state/run_store"
import { View } from "~/state/view"
import type { Server } from "~/wire/http"
import type { FileItem } from "~/wire/types"

/** Where a workflow is kept: its path below the user's folder of workflows, and when it was last written. */
export interface SavedFile {
  readonly path: string
  readonly modified: number
}

/** One open workflow, with the name that it was opened or saved under. */
export interface Tab {
  /** The same over reloads, and no other window's. */
  readonly id: string
  readonly name: string
  readonly editor: Editor
  /** The jobs that it queued, and what its nodes show of them. */
  readonly run: RunStore
  /** Null where it was never saved under a name. */
  readonly file: SavedFile | null
}

/** What the user is asked, in a dialog. */
export interface Question {
  readonly title: string
  readonly text?: string
  /** A text that is asked for, and what it is at first. */
  readonly field?: { readonly label: string; readonly value: string }
  /** By what is answered; the first is what Enter means. */
  readonly choices: readonly { readonly name: string; readonly word: string }[]
}

export interface Reply {
  readonly choice: string
  readonly text: string
}

export interface Notice {
  readonly id: number
  readonly kind: "info" | "error"
  readonly text: string
}

export interface AppState {
  readonly tabs: readonly Tab[]
  readonly active: string
  readonly definitions: Definitions
  readonly notices: readonly Notice[]
  readonly question: (Question & { answer(reply: Reply | null): void }) | null
  /** The names of the panels that are open. */
  readonly panels: ReadonlySet<string>
  /** How many jobs one press of Run queues. */
  readonly batch: number
  readonly looking: Looking | null
}

/** Pictures that are looked at large: which one, and which one is compared with it. */
export interface Looking {
  readonly files: readonly FileItem[]
  readonly at: number
  readonly beside: number | null
}

const MOST_AT_ONCE = 100

export class App {
  readonly store: StoreApi<AppState>
  readonly view = new View()
  /** The server's queue, whoever queued what. */
  readonly queue: StoreApi<Queue> = createStore(() => EMPTY_QUEUE)
  readonly jobs = new JobLists(this)
  private number = 0 // counts notices

  constructor(
    readonly server: Server,
    /** How the server calls this window. */
    readonly clientId: string,
  ) {
    const first = this.tab(emptyWorkflow(), "")
    this.store = createStore(() => ({
      tabs: [first],
      active: first.id,
      definitions: {},
      notices: [],
      question: null,
      panels: new Set<string>(),
      batch: 1,
      looking: null,
    }))
  }

  get state(): AppState {
    return this.store.getState()
  }

  /** The tab that is shown. */
  get active(): Tab {
    return activeTab(this.state)
  }

  get editor(): Editor {
    return this.active.editor
  }

  /** The shown graph with all that edits and layouts of its nodes ask for. */
  get place(): Place {
    const { workflow, graph } = this.editor
    return { workflow, graph, definitions: this.state.definitions }
  }

  /** Make a change of the shown graph's links; groups of inputs that grow follow it. */
  relink(change: Change, gesture?: string): void {
    this.editor.edit(regrown(this.place, change), gesture)
  }

  /** Open a workflow in a tab of its own, and show it. An empty tab that nobody used makes room. */
  open(workflow: Workflow, name: string, file: SavedFile | null = null, id = freshId()): Tab {
    const tab = { ...this.tab(workflow, name), file, id }
    this.store.setState((state) => ({ tabs: [...state.tabs.filter((each) => !isUnused(each)), tab], active: tab.id }))
    return tab
  }

  /** Open an empty workflow. */
  openEmpty(): Tab {
    const tab = this.tab(emptyWorkflow(), "")
    this.store.setState((state) => ({ tabs: [...state.tabs, tab], active: tab.id }))
    return tab
  }

  show(tab: string): void {
    this.store.setState({ active: tab })
  }

  /** Close a tab; the last one leaves an empty one. */
  close(id: string): void {
    const closed = this.state.tabs.find((tab) => tab.id === id)
    this.store.setState((state) => {
      const at = state.tabs.findIndex((tab) => tab.id === id)
      const left = state.tabs.filter((tab) => tab.id !== id)
      const tabs = left.length > 0 ? left : [this.tab(emptyWorkflow(), "")]
      const next = tabs[Math.min(Math.max(at, 0), tabs.length - 1)]
      return { tabs, active: state.active === id && next !== undefined ? next.id : state.active }
    })
    if (closed !== undefined) emptyRun(closed.run)
  }

  /** Say under which name a tab goes, and where it is kept. */
  label(id: string, name: string, file: SavedFile | null): void {
    this.store.setState((state) => ({ tabs: state.tabs.map((tab) => (tab.id === id ? { ...tab, name, file } : tab)) }))
  }

  /** Ask the user; null where the dialog was closed without an answer. */
  ask(question: Question): Promise<Reply | null> {
    this.state.question?.answer(null)
    return new Promise((resolve) => {
      const answer = (reply: Reply | null): void => {
        this.store.setState({ question: null })
        resolve(reply)
      }
      this.store.setState({ question: { ...question, answer } })
    })
  }

  /** Tell the user something; it goes away by being read. */
  tell(kind: Notice["kind"], text: string): void {
    const notice = { id: ++this.number, kind, text }
    this.store.setState((state) => ({ notices: [...state.notices.slice(-4), notice] }))
  }

  dismiss(id: number): void {
    this.store.setState((state) => ({ notices: state.notices.filter((each) => each.id !== id) }))
  }

  togglePanel(name: string): void {
    this.store.setState((state) => {
      const panels = new Set(state.panels)
      if (!panels.delete(name)) panels.add(name)
      return { panels }
    })
  }

  /** Keep a file among the inputs; the name by which nodes know it. */
  async bringFile(file: File, subfolder = ""): Promise<string> {
    const kept = await this.server.upload(file, file.name, { subfolder })
    await this.refreshDefinitions() // the lists of files have it now
    return kept.subfolder === "" ? kept.name : `${kept.subfolder}/${kept.name}`
  }

  /** An input of the shown graph got another value: what was wrong with it is told no more. */
  mended(node: NodeId, input: string): void {
    const id = executionId(this.editor.state.path, node)
    if (id in this.active.run.getState().problems) tellRun(this.active.run, { type: "mended", node: id, input })
  }

  /** Show one of some pictures large, beside another where that is said. */
  look(files: readonly FileItem[], at: number, beside: number | null = null): void {
    this.store.setState({ looking: { files, at, beside } })
  }

  lookAway(): void {
    this.store.setState({ looking: null })
  }

  /** Ask the server for one of its node types, with the files that there are now. */
  async refreshDefinition(type: string): Promise<void> {
    if (!(type in this.state.definitions)) return
    const found = await this.server.nodeType(type)
    this.store.setState(({ definitions }) => ({ definitions: sameJson(definitions[type], found[type]) ? definitions : { ...definitions, ...found } }))
  }

  setBatch(count: number): void {
    this.store.setState({ batch: Math.min(Math.max(Math.round(count) || 1, 1), MOST_AT_ONCE) })
  }

  /** Ask the server for its node types, with the files that there are now. */
  async refreshDefinitions(): Promise<void> {
    this.store.setState({ definitions: await this.server.nodeTypes() })
  }

  private tab(workflow: Workflow, name: string): Tab {
    return { id: freshId(), name, editor: new Editor(workflow), run: makeRunStore(), file: null }
  }
}

/** An id that nobody else has. (`crypto.randomUUID` is there for https alone.) */
export function freshId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("")
}

/** An id in the form that servers of the ecosystem ask of jobs. */
export function freshUuid(): string {
  const hex = freshId()
  const [version, variant] = [`4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`]
  return [hex.slice(0, 8), hex.slice(8, 12), version, variant, hex.slice(20)].join("-")
}

function isUnused({ name, file, editor }: Tab): boolean {
  const { history } = editor.state
  return name === "" && file === null && history.past.length === 0 && graphOf(history.workflow, ROOT).nodes.size === 0
}

export function activeTab(state: AppState): Tab {
  const found = state.tabs.find((tab) => tab.id === state.active) ?? state.tabs[0]
  if (found === undefined) throw new Error("there is no tab")
  return found
}
