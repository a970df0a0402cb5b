import { useStore } from "zustand"
import { factsOf, nameOf, timeOf } from "~/panels/job_text"
import { jobProgress } from "~/run/estimate"
import { runningJob, type Job } from "~/run/run"
import { tabOf } from "~/state/listening"
import type { RunStore } from "~/state/run_store"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

interface Props {
  readonly job: Job
  readonly onCancel: (id: string) => void
}

/** A job that runs: where its picture stands and how far it is if this window queued it, else since when it runs. */
export function RunningRow({ job, onCancel }: Props) {
  const app = useApp()
  const tab = tabOf(app, job.id)
  const name = nameOf(job)
  const isOwn = job.client_id === app.clientId // it has just ended, or its tab was closed
  return (
    <li className="in_progress">
      {tab === undefined ? <span className="queue-picture" /> : <Standing run={tab.run} />}
      <div>
        {tab === undefined ? (
          <strong>{name}</strong>
        ) : (
          <button
            className="queue-name"
            onClick={() => {
              app.show(tab.id)
            }}
          >
            {name}
          </button>
        )}
        {tab === undefined ? (
          <span>{isOwn || job.execution_start_time === undefined ? words.queue.running : words.queue.since(timeOf(job.execution_start_time))}</span>
        ) : (
          <Progress run={tab.run} id={job.id} />
        )}
        <span title={factsOf(app, job)}>{factsOf(app, job)}</span>
      </div>
      <div className="queue-moves">
        <button
          aria-label={words.queue.cancel(name)}
          title={words.queue.cancel(name)}
          onClick={() => {
            onCancel(job.id)
          }}
        >
          ×
        </button>
      </div>
    </li>
  )
}

function Standing({ run }: { readonly run: RunStore }) {
  const preview = useStore(run, (state) => Object.values(state.previews).at(-1))
  return preview === undefined ? <span className="queue-picture" /> : <img className="queue-picture" src={preview} alt={words.run.preview} />
}

function Progress({ run, id }: { readonly run: RunStore; readonly id: string }) {
  const progress = useStore(run, (state) => (runningJob(state)?.id === id ? jobProgress(state) : null))
  if (progress === null) return <span>{words.run.starting}</span>
  const percent = Math.round(progress * 100)
  return (
    <span className="queue-progress">
      <progress aria-label={words.canvas.progress(percent)} max={1} value={progress} /> {words.run.percent(percent)}
    </span>
  )
}
