import { useEffect, useState } from "react"
import { factsOf, nameOf, pictureOf, timeOf } from "~/panels/job_text"
import type { Panel } from "~/panels/panel"
import { useJobs } from "~/panels/use_jobs"
import type { FileItem, Job } from "~/run/run"
import { useApp, useQueue } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/gallery.css"

export const panel: Panel = { name: "gallery", side: "right", order: 2, draw: Gallery }

/** What was made, the newest first; a click shows it large, two that are marked are compared. */
function Gallery() {
  useJobs()
  const app = useApp()
  const jobs = useQueue((queue) => queue.history)
  const pictures = usePictures(jobs)
  const files = pictures.map(({ file }) => file)
  const [marked, setMarked] = useState<readonly string[]>([])
  const chosen = marked.map((key) => files.findIndex((file) => keyOf(file) === key)).filter((at) => at >= 0)
  const [first, second] = chosen
  return (
    <>
      <h2>{words.panels.gallery}</h2>
      {files.length === 0 && <p>{words.gallery.empty}</p>}
      {files.length > 1 && (
        <button
          disabled={first === undefined || second === undefined}
          onClick={() => {
            if (first !== undefined && second !== undefined) app.look(files, first, second)
          }}
        >
          {words.gallery.compareMarked}
        </button>
      )}
      <ul className="gallery">
        {pictures.map(({ file, job }, at) => (
          <li key={keyOf(file)} title={[nameOf(job), factsOf(app, job), timeOf(job.create_time)].join("\n")}>
            <button
              aria-label={words.gallery.open(file.filename)}
              onClick={() => {
                app.look(files, at)
              }}
            >
              <img src={app.server.fileUrl(file, "webp;70")} alt="" loading="lazy" />
            </button>
            <span className="gallery-name">{nameOf(job)}</span>
            <input
              type="checkbox"
              aria-label={words.gallery.mark(file.filename)}
              checked={marked.includes(keyOf(file))}
              onChange={(event) => {
                const others = marked.filter((each) => each !== keyOf(file))
                setMarked(event.target.checked ? [...others.slice(-1), keyOf(file)] : others)
              }}
            />
          </li>
        ))}
      </ul>
    </>
  )
}

function keyOf(file: FileItem): string {
  return `${file.type}/${file.subfolder}/${file.filename}`
}

interface Picture {
  readonly file: FileItem
  readonly job: Job
}

/** All pictures of jobs that ended, each once. A job that made several is asked for them. */
function usePictures(jobs: readonly Job[]): readonly Picture[] {
  const app = useApp()
  const [more, setMore] = useState<Readonly<Record<string, readonly FileItem[]>>>({})
  const wanted = jobs.filter((job) => job.previewable_outputs_count > 1 && !(job.id in more)).map((job) => job.id)
  const asked = wanted.slice(0, 8).join(" ")
  useEffect(() => {
    if (asked === "") return
    let isOver = false
    const ids = asked.split(" ")
    void Promise.all(ids.map((id) => app.server.pictures(id).catch(() => []))).then((found) => {
      if (isOver) return
      const listed = new Set(app.queue.getState().history.map(({ id }) => id))
      const others = (before: typeof more) => Object.entries(before).filter(([id]) => listed.has(id))
      setMore((before) => Object.fromEntries([...others(before), ...ids.map((id, at) => [id, found[at] ?? []] as const)]))
    })
    return () => {
      isOver = true
    }
  }, [app, asked])
  const all = jobs.flatMap((job) => (more[job.id] ?? previewOf(job)).map((file) => ({ file, job })))
  return [...new Map(all.map((each) => [keyOf(each.file), each])).values()]
}

function previewOf(job: Job): readonly FileItem[] {
  const file = pictureOf(job)
  return file === undefined ? [] : [file]
}
