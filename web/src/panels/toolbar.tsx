import { doCommand } from "~/commands/all"
import type { Panel } from "~/panels/panel"
import { PanelButtons } from "~/panels/panel_buttons"
import { RunControls } from "~/panels/run_controls"
import { useApp, useEditor, useQueue } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "toolbar", side: "bar", draw: Toolbar }

function Toolbar() {
  const app = useApp()
  const canUndo = useEditor((state) => state.history.past.length > 0)
  const canRedo = useEditor((state) => state.history.future.length > 0)
  const isOnline = useQueue((queue) => queue.isOnline)
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
      <RunControls />
      <PanelButtons />
      {!isOnline && (
        <span role="status" className="offline">
          {words.app.offline}
        </span>
      )}
    </>
  )
}
