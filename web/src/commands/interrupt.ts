import type { Command } from "~/commands/command"
import { runningJob } from "~/run/run"

export const command: Command = {
  name: "interrupt",
  keys: ["Mod+Alt+Enter"],
  alsoInTexts: true,
  when: (app) => runningJob(app.active.run.getState()) !== null,
  do: (app) => app.server.interrupt(runningJob(app.active.run.getState())?.id),
}
