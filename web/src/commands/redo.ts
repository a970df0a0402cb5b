import type { Command } from "~/commands/command"

export const command: Command = {
  name: "redo",
  keys: ["Mod+Shift+Z", "Mod+Y"],
  when: (app) => app.editor.state.history.future.length > 0,
  do: (app) => {
    app.editor.redo()
  },
}
