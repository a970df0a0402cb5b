import type { Command } from "~/commands/command"
import { saveTabAs } from "~/commands/saving"

export const command: Command = {
  name: "saveAs",
  keys: ["Mod+Shift+S"],
  alsoInTexts: true,
  do: async (app) => {
    await saveTabAs(app, app.active)
  },
}
