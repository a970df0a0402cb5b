import type { Command } from "~/commands/command"

export const command: Command = {
  name: "show_memory",
  keys: ["Shift+M"],
  do: (app) => {
    app.togglePanel("memory")
  },
}
