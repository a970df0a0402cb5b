import { useEffect, useMemo, useState } from "react"
import { openJob } from "~/panels/open_picture"
import type { Panel } from "~/panels/panel"
import { useJobs } from "~/panels/use_jobs"
import type { Job } from "~/run/run"
import { useApp, useQueue } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/history.css"

export const panel: Panel = { name: "history", side: "right", order: 1, draw: History }

const FIRST = 30

/** What ended, the newest first; searched by day, state, file, and the texts of the prompt. */
function History() {
  useJobs()
  const jobs = useQueue((queue) => queue.history)
  const [wanted, setWanted] = useState("")
  const [most, setMost] = useState(FIRST)
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
        {found.slice(0, most).map((job) => (
          <Entry key={job.id} job={job} />
        ))}
      </ul>
      {found.length > most && (
        <button
          onClick={() => {
            setMost(most + FIRST)
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
        <strong>{name}</strong>
        <span>
          {words.history.as[job.status]} {took(job)}
        </span>
        {job.status === "failed" && <span className="history-why">{job.execution_error?.exception_message}</span>}
        <div className="history-acts">
          <button
            onClick={() => {
              act(openJob(app, job.id, name))
            }}
          >
            {words.history.restore}
          </button>
          {job.status !== "completed" && (
            <button
              onClick={() => {
                act(app.server.retry(job.id).then(() => app.jobs.refresh()))
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

function pictureOf({ preview_output: file }: Job) {
  if (file?.filename === undefined || file.type === undefined || file.mediaType !== "images") return undefined
  return { filename: file.filename, subfolder: file.subfolder ?? "", type: file.type }
}

function nameOf(job: Job): string {
  return new Date(job.create_time).toLocaleString()
}

function took({ execution_start_time: start, execution_end_time: end }: Job): string {
  return start === undefined || end === undefined ? "" : words.history.took(((end - start) / 1000).toFixed(1))
}

function isLike(job: Job, texts: string, wanted: string): boolean {
  const all = [job.id, nameOf(job), words.history.as[job.status], job.preview_output?.filename, texts].join(" ").toLowerCase()
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
      if (!isOver) setTexts((before) => ({ ...before, ...Object.fromEntries(some.map((id, at) => [id, found[at] ?? ""])) }))
    })
    return () => {
      isOver = true
    }
  }, [app, isWanted, missing])
  return texts
}
