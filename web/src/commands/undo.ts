import type { Command } from "~/commands/command"

export const command: Command = {
  name: "undo",
  keys: ["Mod+Z"],
  when: (app) => app.editor.state.history.past.length > 0,
  do: (app) => {
    app.editor.undo()
  },
}
