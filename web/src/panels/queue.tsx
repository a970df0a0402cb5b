import { useState } from "react"
import { doCommand } from "~/commands/all"
import type { Panel } from "~/panels/panel"
import { RunningRow } from "~/panels/queue_running"
import { WaitingRow } from "~/panels/queue_waiting"
import { useJobs } from "~/panels/use_jobs"
import type { Job } from "~/run/run"
import { useApp, useQueue } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/queue.css"

export const panel: Panel = { name: "queue", side: "right", draw: Queue }

const MOST_SHOWN = 100

/** What runs and what waits, as the server tells it; those that wait are moved by dragging, or by their buttons. */
function Queue() {
  useJobs()
  const app = useApp()
  const jobs = useQueue((queue) => queue.jobs)
  const isPaused = useQueue((queue) => queue.isPaused)
  const [dragged, setDragged] = useState<string | null>(null)
  const waiting = jobs.filter((job) => job.status === "pending")
  const act = (doing: Promise<unknown>) => {
    doing
      .then(() => app.jobs.refresh())
      .catch((error: unknown) => {
        app.tell("error", error instanceof Error ? error.message : String(error))
      })
  }
  const moveTo = (id: string, at: number) => {
    act(app.server.move(id, placeAt(waiting.filter((job) => job.id !== id), at)))
  }
  const cancel = (id: string) => {
    act(app.server.cancel(id))
  }
  return (
    <>
      <h2>{words.panels.queue}</h2>
      <div className="queue-acts">
        <button onClick={() => void doCommand(app, "pause")}>{isPaused ? words.queue.resume : words.queue.pause}</button>
        <button
          disabled={waiting.length === 0}
          onClick={() => {
            act(app.server.clearQueue())
          }}
        >
          {words.queue.clear}
        </button>
      </div>
      {isPaused && <p className="queue-paused">{words.queue.paused}</p>}
      {jobs.length === 0 && <p>{words.queue.empty}</p>}
      <ol className="queue">
        {jobs
          .filter((job) => job.status === "in_progress")
          .map((job) => (
            <RunningRow key={job.id} job={job} onCancel={cancel} />
          ))}
        {waiting.slice(0, MOST_SHOWN).map((job, at) => (
          <WaitingRow
            key={job.id}
            {...{ job, at, of: waiting.length, isDragged: dragged === job.id, onDrag: setDragged, onMove: moveTo, onCancel: cancel }}
            onDrop={() => {
              if (dragged !== null && dragged !== job.id) moveTo(dragged, at)
              setDragged(null)
            }}
          />
        ))}
      </ol>
      {waiting.length > MOST_SHOWN && <p>{words.queue.more(waiting.length - MOST_SHOWN)}</p>}
    </>
  )
}

/** What the server is told to have a job stand at a place among the others that wait: a number between its neighbours'. */
function placeAt(others: readonly Job[], at: number): { readonly front: true } | { readonly number: number } {
  const [before, after] = [others[at - 1], others[at]]
  if (before === undefined) return { front: true }
  return { number: after === undefined ? before.priority + 1 : (before.priority + after.priority) / 2 }
}
