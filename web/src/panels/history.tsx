import { useEffect, useMemo, useState } from "react"
import { factsOf, nameOf, pictureOf, timeOf } from "~/panels/job_text"
import { openJob } from "~/panels/open_picture"
import type { Panel } from "~/panels/panel"
import { useJobs } from "~/panels/use_jobs"
import type { Job } from "~/run/run"
import { retryJob } from "~/state/runs"
import { useApp, useQueue } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/history.css"

export const panel: Panel = { name: "history", side: "right", order: 1, draw: History }

/** What ended, the newest first; searched by name, day, state, seed, file, and the texts of the prompt. */
function History() {
  useJobs()
  const app = useApp()
  const jobs = useQueue((queue) => queue.history)
  const [wanted, setWanted] = useState("")
  const texts = useTexts(jobs, wanted !== "")
  const found = jobs.filter((job) => isLike(job, texts[job.id] ?? "", wanted))
  return (
    <>
      <h2>{words.panels.history}</h2>
      <input
        type="search"
        aria-label={words.history.search}
        placeholder={words.history.search}
        value={wanted}
        onChange={(event) => {
          setWanted(event.target.value)
        }}
      />
      {found.length === 0 && <p>{wanted === "" ? words.history.empty : words.history.none}</p>}
      <ul className="history">
        {found.map((job) => (
          <Entry key={job.id} job={job} />
        ))}
      </ul>
      {jobs.length >= app.jobs.listed && (
        <button
          onClick={() => {
            app.jobs.more().catch(() => undefined) // asked for again once the server is back
          }}
        >
          {words.history.more}
        </button>
      )}
    </>
  )
}

function Entry({ job }: { readonly job: Job }) {
  const app = useApp()
  const act = (doing: Promise<unknown>) => {
    doing.catch((error: unknown) => {
      app.tell("error", error instanceof Error ? error.message : String(error))
    })
  }
  const file = pictureOf(job)
  const name = nameOf(job)
  return (
    <li className={job.status}>
      {file !== undefined && (
        <button
          className="history-picture"
          aria-label={words.gallery.open(file.filename)}
          onClick={() => {
            app.look([file], 0)
          }}
        >
          <img src={app.server.fileUrl(file, "webp;60")} alt="" loading="lazy" />
        </button>
      )}
      <div>
        <strong title={name}>{name}</strong>
        <span className="history-when">
          <em>{words.history.as[job.status]}</em> {took(job)} · <time>{timeOf(job.execution_end_time ?? job.create_time)}</time>
        </span>
        <span>{factsOf(app, job)}</span>
        {job.status === "failed" && <span className="history-why">{job.execution_error?.exception_message}</span>}
        <div className="history-acts">
          <button
            aria-label={words.history.restore}
            title={words.history.restore}
            onClick={() => {
              act(openJob(app, job.id, name))
            }}
          >
            {words.history.open}
          </button>
          {job.status !== "completed" && (
            <button
              onClick={() => {
                act(retryJob(app, job))
              }}
            >
              {words.history.again}
            </button>
          )}
          <button
            onClick={() => {
              act(app.server.forget([job.id]).then(() => app.jobs.refresh()))
            }}
          >
            {words.history.forget}
          </button>
        </div>
      </div>
    </li>
  )
}

function took({ execution_start_time: start, execution_end_time: end }: Job): string {
  return start === undefined || end === undefined ? "" : words.history.took(((end - start) / 1000).toFixed(1))
}

function isLike(job: Job, texts: string, wanted: string): boolean {
  const all = [job.id, nameOf(job), job.seed, new Date(job.create_time).toLocaleString(), words.history.as[job.status], job.preview_output?.filename, texts].join(" ").toLowerCase()
  return wanted.toLowerCase().split(/\s+/).every((each) => all.includes(each))
}

/** The texts of the jobs' prompts, by job; asked for once somebody searches. */
function useTexts(jobs: readonly Job[], isWanted: boolean): Readonly<Record<string, string>> {
  const app = useApp()
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({})
  const missing = useMemo(() => jobs.filter((job) => !(job.id in texts)).map((job) => job.id), [jobs, texts])
  useEffect(() => {
    if (!isWanted || missing.length === 0) return
    let isOver = false
    const some = missing.slice(0, 8)
    void Promise.all(some.map((id) => app.server.promptTexts(id).catch(() => ""))).then((found) => {
      if (isOver) return
      const listed = new Set(jobs.map(({ id }) => id))
      setTexts((before) => Object.fromEntries([...Object.entries(before).filter(([id]) => listed.has(id)), ...some.map((id, at) => [id, found[at] ?? ""] as const)]))
    })
    return () => {
      isOver = true
    }
  }, [app, jobs, isWanted, missing])
  return texts
}
