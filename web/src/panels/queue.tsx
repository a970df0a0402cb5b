import { useState } from "react"
import { doCommand } from "~/commands/all"
import type { Panel } from "~/panels/panel"
import { useJobs } from "~/panels/use_jobs"
import type { Job } from "~/run/run"
import { useApp, useQueue } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/queue.css"

export const panel: Panel = { name: "queue", side: "right", draw: Queue }

/** What runs and what waits, as the server tells it; those that wait are moved by dragging, or by their buttons. */
function Queue() {
  useJobs()
  const app = useApp()
  const queue = useQueue((queue) => queue.jobs)
  const isPaused = useQueue((queue) => queue.isPaused)
  const [dragged, setDragged] = useState<string | null>(null)
  const waiting = queue.filter((job) => job.status === "pending")
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
      {isPaused && <p>{words.queue.paused}</p>}
      {queue.length === 0 && <p>{words.queue.empty}</p>}
      <ol className="queue">
        {queue.map((job) => {
          const at = waiting.indexOf(job)
          const name = job.id.slice(0, 8)
          return (
            <li
              key={job.id}
              draggable={at >= 0}
              className={job.status}
              onDragStart={() => {
                setDragged(job.id)
              }}
              onDragOver={(event) => {
                if (dragged !== null && at >= 0) event.preventDefault()
              }}
              onDrop={(event) => {
                event.preventDefault()
                if (dragged !== null && dragged !== job.id) moveTo(dragged, at)
                setDragged(null)
              }}
            >
              <span>
                {job.status === "in_progress" ? words.queue.running : words.queue.waiting} <code>{name}</code>
              </span>
              {at > 0 && (
                <button
                  aria-label={words.queue.earlier(name)}
                  onClick={() => {
                    moveTo(job.id, at - 1)
                  }}
                >
                  ↑
                </button>
              )}
              {at >= 0 && at < waiting.length - 1 && (
                <button
                  aria-label={words.queue.later(name)}
                  onClick={() => {
                    moveTo(job.id, at + 1)
                  }}
                >
                  ↓
                </button>
              )}
              <button
                aria-label={words.queue.cancel(name)}
                onClick={() => {
                  act(app.server.cancel(job.id))
                }}
              >
                ×
              </button>
            </li>
          )
        })}
      </ol>
    </>
  )
}

/** What the server is told to have a job stand at a place among the others that wait: a number between its neighbours'. */
function placeAt(others: readonly Job[], at: number): { readonly front: true } | { readonly number: number } {
  const [before, after] = [others[at - 1], others[at]]
  if (before === undefined) return { front: true }
  return { number: after === undefined ? before.priority + 1 : (before.priority + after.priority) / 2 }
}
