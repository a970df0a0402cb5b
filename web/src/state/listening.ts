/** What the server tells, brought to the workflow that asked for it: a job belongs to the tab that queued it. */

import { followQueue } from "~/run/queue"
import { jobOf } from "~/run/follow"
import type { App, Tab } from "~/state/app"
import { tellRun } from "~/state/run_store"
import { ServerError } from "~/wire/http"
import type { Frame } from "~/wire/frames"
import type { Listener } from "~/wire/socket"
import type { SocketMessage } from "~/wire/types"

export class Listening implements Listener {
  /** What was told before the tabs of the last page were there again. */
  private held: SocketMessage[] | null = []

  constructor(private readonly app: App) {
    const look = (): void => {
      if (isLookedAt(app, app.active)) tellRun(app.active.run, { type: "looked" })
    }
    app.store.subscribe((after, before) => {
      if (after.active !== before.active) look()
    })
    document.addEventListener("visibilitychange", look)
  }

  /** The tabs are there: bring them what was told, and what nobody told. */
  async begin(): Promise<void> {
    await recall(this.app) // first, as what was held is newer
    const held = this.held ?? []
    this.held = null
    for (const message of held) this.hear(message)
    await catchUp(this.app)
  }

  message(message: SocketMessage): void {
    this.app.queue.setState((queue) => followQueue(queue, { type: "message", message }), true)
    if (this.held === null) this.hear(message)
    else this.held.push(message)
  }

  private hear(message: SocketMessage): void {
    const { app } = this
    if (message.type === "missed") void catchUp(app)
    const tab = tabOf(app, jobOf(message))
    if (tab === undefined) return
    tellRun(tab.run, { type: "message", message, at: Date.now() })
    if (isLookedAt(app, tab)) tellRun(tab.run, { type: "looked" })
  }

  frame(frame: Frame): void {
    const tab = tabOf(this.app, frame.place?.prompt_id)
    if (tab !== undefined) tellRun(tab.run, { type: "preview", frame, url: URL.createObjectURL(frame.picture) })
  }

  online(is: boolean): void {
    this.app.queue.setState((queue) => followQueue(queue, { type: "online", is }), true)
    if (is && this.held === null) void catchUp(this.app)
  }
}

/** The tab that queued a job which has not ended. */
export function tabOf(app: App, job: string | undefined): Tab | undefined {
  return job === undefined ? undefined : app.state.tabs.find(({ run }) => run.getState().open.some(({ id }) => id === job))
}

function isLookedAt(app: App, tab: Tab): boolean {
  return tab.id === app.state.active && document.visibilityState === "visible"
}

/** Ask for the jobs of all tabs that have not ended, as nobody else tells what was missed; `known` ones still wait or run. */
export async function catchUp(app: App, known: ReadonlySet<string> = new Set()): Promise<void> {
  for (const tab of app.state.tabs) {
    const isOpen = (id: string) => tab.run.getState().open.some((job) => job.id === id)
    const missing = tab.run.getState().open.filter((job) => job.isTaken && !known.has(job.id))
    for (const { id } of missing) if (isOpen(id)) await ask(app, tab, id, isOpen)
  }
}

/** Ask for what the jobs made of which something was shown before the page was loaded anew. */
async function recall(app: App): Promise<void> {
  for (const tab of app.state.tabs) for (const id of tab.run.getState().shown) await ask(app, tab, id)
}

/** Ask for a job; what is answered counts if it `isWanted` still, as later jobs may have ended in between. */
async function ask(app: App, tab: Tab, id: string, isWanted: (id: string) => boolean = () => true): Promise<void> {
  try {
    const job = await app.server.job(id)
    if (!isWanted(id)) return
    tellRun(tab.run, { type: "asked", job, at: Date.now() })
    if (isLookedAt(app, tab)) tellRun(tab.run, { type: "looked" })
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    if (error.status === 404) tellRun(tab.run, { type: "unknown", id }) // others are asked for at the next connection
  }
}
