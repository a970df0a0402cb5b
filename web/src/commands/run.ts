import type { Command } from "~/commands/command"
import { queueShown } from "~/state/runs"
import { words } from "~/words/words"

export const command: Command = {
  name: "run",
  keys: ["Mod+Enter"],
  alsoInTexts: true,
  when: (app) => Object.keys(app.state.definitions).length > 0,
  do: async (app) => {
    if (await queueShown(app)) return
    const { problem, problems } = app.run.getState()
    const told = Object.values(problems).flatMap((each) => each.errors.map((error) => `${error.message}: ${error.details}`))
    app.tell("error", [problem?.message ?? words.run.notTaken, ...told].join("\n"))
  },
}
