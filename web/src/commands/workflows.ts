import type { Command } from "~/commands/command"

export const command: Command = {
  name: "workflows",
  do: (app) => {
    app.togglePanel("workflows")
  },
}
