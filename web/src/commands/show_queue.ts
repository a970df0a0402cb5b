import type { Command } from "~/commands/command"

export const command: Command = {
  name: "show_queue",
  keys: ["Q"],
  do: (app) => {
    app.togglePanel("queue")
  },
}
