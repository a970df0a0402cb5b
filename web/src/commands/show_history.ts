import type { Command } from "~/commands/command"

export const command: Command = {
  name: "show_history",
  keys: ["H"],
  do: (app) => {
    app.togglePanel("history")
  },
}
