import { useEffect } from "react"
import type { Panel } from "~/panels/panel"
import { refreshQueue } from "~/state/runs"
import { useApp, useRun } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "queue", side: "right", draw: Queue }

/** What runs and what waits, as the server tells it; asked anew whenever something may have changed. */
function Queue() {
  const app = useApp()
  const queue = useRun((state) => state.queue)
  const isPaused = useRun((state) => state.isPaused)
  const stale = useRun((state) => state.stale)
  useEffect(() => {
    const timer = setTimeout(() => void refreshQueue(app), 100)
    return () => {
      clearTimeout(timer)
    }
  }, [app, stale])
  const act = (doing: Promise<unknown>) => {
    doing.then(() => refreshQueue(app)).catch((error: unknown) => {
      app.tell("error", String(error))
    })
  }
  return (
    <>
      <h2>{words.panels.queue}</h2>
      <button
        onClick={() => {
          act(app.server.pause(!isPaused))
        }}
      >
        {isPaused ? words.queue.resume : words.queue.pause}
      </button>
      {isPaused && <p>{words.queue.paused}</p>}
      {queue.length === 0 && <p>{words.queue.empty}</p>}
      <ol>
        {queue.map((job) => (
          <li key={job.id}>
            <span>{job.status === "in_progress" ? words.queue.running : words.queue.waiting}</span>{" "}
            <code>{job.id.slice(0, 8)}</code>
            {job.status === "pending" && (
              <button
                aria-label={words.queue.first(job.id.slice(0, 8))}
                onClick={() => {
                  act(app.server.move(job.id, { front: true }))
                }}
              >
                ↑
              </button>
            )}
            <button
              aria-label={words.queue.cancel(job.id.slice(0, 8))}
              onClick={() => {
                act(app.server.cancel(job.id))
              }}
            >
              ×
            </button>
          </li>
        ))}
      </ol>
    </>
  )
}
