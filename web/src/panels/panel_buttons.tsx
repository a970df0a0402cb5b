import { History, Images, ListOrdered, MemoryStick } from "lucide-react"
import { Tool } from "~/panels/tool"
import { useQueue, useShell } from "~/state/use"
import { words } from "~/words/words"

const PANELS = [
  ["queue", "show_queue", ListOrdered],
  ["history", "show_history", History],
  ["gallery", "show_gallery", Images],
  ["memory", "show_memory", MemoryStick],
] as const

/** Open and close what stands at the right side; the queue says how many jobs it holds. */
export function PanelButtons() {
  const open = useShell((state) => state.panels)
  const remaining = useQueue((queue) => queue.remaining)
  return PANELS.map(([panel, command, icon]) => (
    <Tool key={panel} name={command} icon={icon} label={words.panels[panel]} isNamed isPressed={open.has(panel)}>
      {panel === "queue" && remaining > 0 && <span className="tool-count">{remaining}</span>}
    </Tool>
  ))
}
