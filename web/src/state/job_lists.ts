/** The lists of jobs as the server has them, asked for anew where somebody shows them or a workflow waits for its turn. */

import { followQueue } from "~/run/queue"
import type { App } from "~/state/app"
import { catchUp } from "~/state/listening"

const WAIT = 100 // milliseconds: several changes at once are asked for once
const LISTED = 64

export class JobLists {
  /** How many of those that ended are asked for. */
  listed = LISTED
  private shown = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly app: App) {
    app.queue.subscribe((after, before) => {
      if (after.stale !== before.stale) this.later()
    })
  }

  /** Keep the lists fresh until the answer is called. */
  show(): () => void {
    this.shown++
    this.later()
    return () => {
      this.shown--
      if (this.shown === 0) this.listed = LISTED
    }
  }

  /** Also ask for older ones that ended. */
  async more(): Promise<void> {
    this.listed += LISTED
    await this.refresh()
  }

  /** Ask now. Also tells which of the tabs' jobs wait no more, as a job that is cancelled before its turn is told to nobody. */
  async refresh(): Promise<void> {
    const { server, queue } = this.app
    const [jobs, history, state] = await Promise.all([
      server.jobs(["in_progress", "pending"], 1000),
      server.jobs(["completed", "failed", "cancelled"], this.listed),
      server.queueState(),
    ])
    queue.setState((now) => followQueue(now, { type: "listed", jobs, history, isPaused: state.paused }), true)
    await catchUp(this.app, new Set(jobs.map(({ id }) => id)))
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      const waits = this.app.state.tabs.some(({ run }) => run.getState().open.some((job) => job.isTaken && job.began === null))
      if (this.app.queue.getState().isOnline && (this.shown > 0 || waits)) {
        this.refresh().catch(() => undefined) // asked for again once the server is back
      }
    }, WAIT)
  }
}
