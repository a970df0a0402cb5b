import { useApp, useQueue, useShell } from "~/state/use"
import { words } from "~/words/words"

const PANELS = ["queue", "history", "gallery"] as const

/** Open and close what stands at the right side; the queue says how many jobs it holds. */
export function PanelButtons() {
  const app = useApp()
  const open = useShell((state) => state.panels)
  const remaining = useQueue((queue) => queue.remaining)
  return PANELS.map((name) => (
    <button
      key={name}
      aria-pressed={open.has(name)}
      onClick={() => {
        app.togglePanel(name)
      }}
    >
      {words.panels[name]}
      {name === "queue" && remaining > 0 && ` ${String(remaining)}`}
    </button>
  ))
}
