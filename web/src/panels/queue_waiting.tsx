import { factsOf, nameOf } from "~/panels/job_text"
import type { Job } from "~/run/run"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

interface Props {
  readonly job: Job
  /** Its place among those that wait, and how many these are. */
  readonly at: number
  readonly of: number
  readonly isDragged: boolean
  readonly onDrag: (id: string | null) => void
  readonly onDrop: () => void
  readonly onMove: (id: string, at: number) => void
  readonly onCancel: (id: string) => void
}

/** A job that waits: it is dragged to another place, or moved by its buttons. */
export function WaitingRow({ job, at, of, isDragged, onDrag, onDrop, onMove, onCancel }: Props) {
  const app = useApp()
  const name = words.queue.nth(nameOf(job), at + 1)
  const button = (sign: string, word: string, isOff: boolean, act: () => void) => (
    <button aria-label={word} title={word} disabled={isOff} onClick={act}>
      {sign}
    </button>
  )
  return (
    <li
      className={isDragged ? "pending dragged" : "pending"}
      draggable
      onDragStart={() => {
        onDrag(job.id)
      }}
      onDragEnd={() => {
        onDrag(null)
      }}
      onDragOver={(event) => {
        event.preventDefault()
      }}
      onDrop={(event) => {
        event.preventDefault()
        onDrop()
      }}
    >
      <span className="queue-place">{at + 1}</span>
      <div>
        <strong>{nameOf(job)}</strong>
        <span title={factsOf(app, job)}>{factsOf(app, job)}</span>
      </div>
      <div className="queue-moves">
        {button("⤒", words.queue.front(name), at === 0, () => {
          onMove(job.id, 0)
        })}
        {button("↑", words.queue.earlier(name), at === 0, () => {
          onMove(job.id, at - 1)
        })}
        {button("↓", words.queue.later(name), at === of - 1, () => {
          onMove(job.id, at + 1)
        })}
        {button("×", words.queue.cancel(name), false, () => {
          onCancel(job.id)
        })}
      </div>
    </li>
  )
}
