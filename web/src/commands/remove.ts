import type { Command } from "~/commands/command"
import { removeSelected } from "~/document/edits/selection"

export const command: Command = {
  name: "remove",
  keys: ["Delete", "Backspace"],
  when: ({ editor }) => editor.state.selected.size > 0,
  do: (app) => {
    const { editor } = app
    app.relink(removeSelected(editor.workflow, editor.graph, editor.state.selected))
  },
}
