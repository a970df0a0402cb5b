import type { Command } from "~/commands/command"

export const command: Command = {
  name: "new",
  do: (app) => {
    app.openEmpty()
  },
}
