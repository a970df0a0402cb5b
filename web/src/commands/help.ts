import type { Command } from "~/commands/command"

export const command: Command = {
  name: "help",
  keys: ["Shift+?", "F1"],
  do: (app) => {
    app.togglePanel("help")
  },
}
