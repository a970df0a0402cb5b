import type { Command } from "~/commands/command"
import { isSlotKey } from "~/document/edits/slots"

export const command: Command = {
  name: "copy",
  keys: ["Mod+C"],
  isToldByBrowser: true,
  when: ({ editor }) => [...editor.state.selected].some((id) => !isSlotKey(id)),
  do: () => {
    // the only way that works on pages without TLS too; the canvas answers the event that it makes
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    document.execCommand("copy")
  },
}
