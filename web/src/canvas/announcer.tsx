import { useEffect, useState } from "react"
import { differences } from "~/canvas/told"
import { ownerOf } from "~/document/names"
import type { History } from "~/document/history"
import { runningJob, type RunState } from "~/run/run"
import type { App } from "~/state/app"
import { executionId } from "~/state/editor"
import { useApp, useShell, useTab } from "~/state/use"
import { words } from "~/words/words"

/** Tells those who do not see the canvas what was done on it, and what a run came to. */
export function Announcer() {
  const app = useApp()
  const tab = useTab()
  const tabs = useShell((state) => state.tabs)
  const [said, setSaid] = useState({ text: "", number: 0 })
  useEffect(() => {
    const say = (sentences: readonly string[]): void => {
      if (sentences.length > 0) setSaid(({ number }) => ({ text: sentences.join(" "), number: number + 1 }))
    }
    const leaves = [
      tab.editor.store.subscribe((after, before) => {
        if (after.history.workflow === before.history.workflow) return
        const { workflow } = before.history
        say([...returned(before.history, after.history), ...differences(workflow, after.history.workflow, tab.editor.graph.id, app.state.definitions)])
      }),
      tab.run.subscribe((after, before) => {
        say(ofRun(app, before, after))
      }),
      ...tabs.filter((other) => other.id !== tab.id).map(({ name, run }) =>
        run.subscribe((after, before) => {
          if (after.unseen !== null && after.last !== before.last) say([words.said.ended(name || words.app.untitled, words.tabs.ended[after.unseen])])
        }),
      ),
    ]
    return () => {
      for (const leave of leaves) leave()
    }
  }, [app, tab, tabs])
  return (
    <div className="hidden announcer" aria-live="polite" aria-atomic>
      <p key={said.number}>{said.text}</p>
    </div>
  )
}

/** Whether something was taken back, or done again. */
function returned(before: History, after: History): string[] {
  if (after.future.length > before.future.length) return [words.said.undone]
  return after.past.length > before.past.length && after.past.at(-1)?.redo === before.future.at(-1)?.redo ? [words.said.redone] : []
}

function ofRun(app: App, before: RunState, after: RunState): string[] {
  if (after.last === before.last || after.last === null || after.unseen === null) {
    const job = runningJob(after)
    return job !== null && runningJob(before)?.id !== job.id ? [words.said.runs] : []
  }
  if (after.last.as !== "success") return [after.last.as === "error" ? words.run.failed : words.run.stopped]
  const { state, graph } = app.editor
  const shown = [...graph.nodes.keys()].flatMap((id) => {
    const count = after.outputs[executionId(state.path, id)]?.images?.length ?? 0
    return count === 0 ? [] : [words.said.shows(ownerOf(app.place, id), count)]
  })
  return [words.said.done, ...shown]
}
