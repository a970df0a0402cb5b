import type { Command } from "~/commands/command"

export const command: Command = {
  name: "examples",
  do: (app) => {
    app.togglePanel("templates")
  },
}
