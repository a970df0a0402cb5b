import { Redo2, Undo2 } from "lucide-react"
import type { Panel } from "~/panels/panel"
import { PanelButtons } from "~/panels/panel_buttons"
import { RunControls } from "~/panels/run_controls"
import { Tool } from "~/panels/tool"
import { useEditor, useQueue } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "toolbar", side: "bar", draw: Toolbar }

function Toolbar() {
  const canUndo = useEditor((state) => state.history.past.length > 0)
  const canRedo = useEditor((state) => state.history.future.length > 0)
  const isOnline = useQueue((queue) => queue.isOnline)
  return (
    <>
      <strong className="toolbar-title">{words.app.title}</strong>
      <div className="toolbar-part">
        <Tool name="undo" icon={Undo2} isDisabled={!canUndo} />
        <Tool name="redo" icon={Redo2} isDisabled={!canRedo} />
      </div>
      <RunControls />
      {!isOnline && (
        <span role="status" className="offline">
          {words.app.offline}
        </span>
      )}
      <div className="toolbar-part toolbar-end">
        <PanelButtons />
      </div>
    </>
  )
}
