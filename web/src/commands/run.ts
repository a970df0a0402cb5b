import type { Command } from "~/commands/command"
import { isReady, runShown } from "~/commands/running"

export const command: Command = {
  name: "run",
  keys: ["Mod+Enter"],
  alsoInTexts: true,
  when: isReady,
  do: (app) => runShown(app),
}
