import { FilePlus2, LayoutTemplate, Plus, X } from "lucide-react"
import { useEffect, useState } from "react"
import { runningJob } from "~/run/run"
import { Tool } from "~/panels/tool"
import { useGraph, useRun, useShell } from "~/state/use"
import { words } from "~/words/words"
import "~/canvas/beginning.css"

/** On an empty canvas: what one can begin with. */
export function Beginning() {
  const graph = useGraph()
  const isReady = useShell((state) => Object.keys(state.definitions).length > 0)
  if (graph.nodes.size > 0 || !isReady) return null
  return (
    <div className="beginning">
      <p>{words.canvas.beginning}</p>
      <p className="beginning-ways">
        <Tool name="examples" icon={LayoutTemplate} isNamed className="primary" />
        <Tool name="addNode" icon={Plus} isNamed />
        <Tool name="open" icon={FilePlus2} isNamed />
      </p>
    </div>
  )
}

const SEEN = "heddle.hint.seen"

/** On the first visit: what the boxes are, and what to press. It goes with the first run, or when it is closed. */
export function Hint() {
  const graph = useGraph()
  const isRunning = useRun((state) => runningJob(state) !== null)
  const [isSeen, setSeen] = useState(() => localStorage.getItem(SEEN) !== null)
  if (isRunning && !isSeen) setSeen(true)
  useEffect(() => {
    if (isSeen) localStorage.setItem(SEEN, "1")
  }, [isSeen])
  if (isSeen || graph.nodes.size === 0) return null
  return (
    <aside className="hint" aria-label={words.canvas.hintLabel}>
      <p>{words.canvas.hint}</p>
      <button
        className="plain"
        aria-label={words.canvas.hintClose}
        onClick={() => {
          setSeen(true)
        }}
      >
        <X aria-hidden />
      </button>
    </aside>
  )
}
