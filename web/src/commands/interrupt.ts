import type { Command } from "~/commands/command"

export const command: Command = {
  name: "interrupt",
  keys: ["Mod+Alt+Enter"],
  alsoInTexts: true,
  when: (app) => app.run.getState().running !== null,
  do: (app) => app.server.interrupt(app.run.getState().running?.id),
}
