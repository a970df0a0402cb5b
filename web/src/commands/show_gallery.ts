import type { Command } from "~/commands/command"

export const command: Command = {
  name: "show_gallery",
  keys: ["G"],
  do: (app) => {
    app.togglePanel("gallery")
  },
}
