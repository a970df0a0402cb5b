import type { Command } from "~/commands/command"

export const command: Command = {
  name: "map",
  keys: ["M"],
  do: ({ view }) => {
    view.set({ hasMap: !view.state.hasMap })
  },
}
