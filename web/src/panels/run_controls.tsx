import { Goal, ListStart, Play, Square } from "lucide-react"
import { useEffect, useState } from "react"
import { Tool } from "~/panels/tool"
import { jobProgress, secondsLeft } from "~/run/estimate"
import { runningJob } from "~/run/run"
import { useApp, useTab, useEditor, useQueue, useRun, useShell } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/run_controls.css"

/** The buttons that run and stop, and how far the run is. */
export function RunControls() {
  const app = useApp()
  const isReady = useShell((state) => Object.keys(state.definitions).length > 0)
  const batch = useShell((state) => state.batch)
  const isRunning = useRun((state) => runningJob(state) !== null)
  const hasSelection = useEditor((state) => state.selected.size > 0)
  return (
    <div className="run-controls">
      <Tool name="run" icon={Play} className="primary" isNamed isDisabled={!isReady} />
      <input
        className="run-batch"
        type="number"
        min={1}
        max={100}
        aria-label={words.run.batch}
        title={words.run.batch}
        value={batch}
        onChange={(event) => {
          app.setBatch(event.target.valueAsNumber)
        }}
      />
      <Tool name="run_here" icon={Goal} className="wide-only" label={words.run.here} isDisabled={!isReady || !hasSelection} />
      <Tool name="run_front" icon={ListStart} className="wide-only" label={words.run.front} isDisabled={!isReady} />
      <Tool name="interrupt" icon={Square} className="run-stop" isDisabled={!isRunning} />
      <RunProgress />
    </div>
  )
}

function RunProgress() {
  const progress = useRun(jobProgress)
  const isRunning = useRun((state) => runningJob(state) !== null)
  const last = useRun((state) => state.last?.as)
  const left = useSecondsLeft()
  const waiting = useRun((state) => state.open.filter((job) => job.began === null).length)
  const isPaused = useQueue((queue) => queue.isPaused)
  if (!isRunning) {
    if (waiting > 0) return <span>{isPaused ? words.run.paused(waiting) : words.run.waiting(waiting)}</span>
    const said = last === "error" ? words.run.failed : last === "interrupted" ? words.run.stopped : null
    return said === null ? null : <span>{said}</span>
  }
  const percent = Math.round((progress ?? 0) * 100)
  return (
    <div className="run-progress">
      <progress aria-label={words.canvas.progress(percent)} max={1} {...(progress === null ? {} : { value: progress })} />
      <span>
        {progress === null ? words.run.starting : words.run.percent(percent)}
        {left !== null && ` · ${words.run.left(left)}`}
        {waiting > 0 && ` · ${words.run.waiting(waiting)}`}
      </span>
    </div>
  )
}

/** Looked at twice a second while something runs: it falls also where no step ends. */
function useSecondsLeft(): number | null {
  const { run } = useTab()
  const isRunning = useRun((state) => runningJob(state) !== null)
  const [left, setLeft] = useState<number | null>(null)
  useEffect(() => {
    if (!isRunning) return
    const look = () => {
      const seconds = secondsLeft(run.getState(), Date.now())
      setLeft(seconds === null ? null : Math.ceil(seconds))
    }
    const timer = setInterval(look, 500)
    return () => {
      clearInterval(timer)
      setLeft(null)
    }
  }, [run, isRunning])
  return left
}
