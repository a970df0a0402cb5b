import type { Command } from "~/commands/command"
import { removeSelected } from "~/document/edits/selection"

export const command: Command = {
  name: "remove",
  keys: ["Delete", "Backspace"],
  when: ({ editor }) => editor.state.selected.size > 0,
  do: ({ editor }) => {
    editor.edit(removeSelected(editor.workflow, editor.graph, editor.state.selected))
  },
}
