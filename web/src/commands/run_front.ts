import type { Command } from "~/commands/command"
import { isReady, runShown } from "~/commands/running"

export const command: Command = {
  name: "run_front",
  keys: ["Mod+Shift+Enter"],
  alsoInTexts: true,
  when: isReady,
  do: (app) => runShown(app, { front: true }),
}
