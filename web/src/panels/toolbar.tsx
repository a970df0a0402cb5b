import { doCommand } from "~/commands/all"
import type { Panel } from "~/panels/panel"
import { jobProgress } from "~/run/follow"
import { useApp, useEditor, useRun, useShell } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "toolbar", side: "bar", draw: Toolbar }

function Toolbar() {
  const app = useApp()
  const canUndo = useEditor((state) => state.history.past.length > 0)
  const canRedo = useEditor((state) => state.history.future.length > 0)
  const isReady = useShell((state) => Object.keys(state.definitions).length > 0)
  const remaining = useRun((state) => state.remaining)
  const progress = useRun(jobProgress)
  const isOnline = useRun((state) => state.isOnline)
  const act = (name: string) => () => void doCommand(app, name)
  return (
    <>
      <strong>{words.app.title}</strong>
      <button disabled={!canUndo} onClick={act("undo")}>
        {words.commands.undo}
      </button>
      <button disabled={!canRedo} onClick={act("redo")}>
        {words.commands.redo}
      </button>
      <button className="primary" disabled={!isReady} onClick={act("run")}>
        {words.commands.run}
      </button>
      <button
        onClick={() => {
          app.togglePanel("queue")
        }}
      >
        {words.panels.queue} {remaining > 0 ? remaining : ""}
      </button>
      {progress !== null && <progress aria-label={words.canvas.progress(Math.round(progress * 100))} value={progress} max={1} />}
      {!isOnline && <span role="status">{words.app.offline}</span>}
    </>
  )
}
