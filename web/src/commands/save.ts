import type { Command } from "~/commands/command"
import { saveTab } from "~/commands/saving"

export const command: Command = {
  name: "save",
  keys: ["Mod+S"],
  alsoInTexts: true,
  do: async (app) => {
    await saveTab(app, app.active)
  },
}
