import type { Command } from "~/commands/command"
import { refreshQueue } from "~/state/runs"

export const command: Command = {
  name: "pause",
  do: async (app) => {
    await app.server.pause(!app.run.getState().isPaused)
    await refreshQueue(app)
  },
}
