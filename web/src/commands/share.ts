import type { Command } from "~/commands/command"

export const command: Command = {
  name: "share",
  do: (app) => {
    app.togglePanel("share")
  },
}
