import type { Command } from "~/commands/command"

export const command: Command = {
  name: "library",
  keys: ["N"],
  do: (app) => {
    app.togglePanel("library")
  },
}
