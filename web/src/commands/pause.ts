import type { Command } from "~/commands/command"

export const command: Command = {
  name: "pause",
  do: async (app) => {
    await app.server.pause(!app.queue.getState().isPaused)
    await app.jobs.refresh()
  },
}
