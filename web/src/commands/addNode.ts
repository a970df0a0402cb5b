import type { Command } from "~/commands/command"

export const command: Command = {
  name: "addNode",
  keys: ["A", "Shift+A"],
  when: (app) => Object.keys(app.state.definitions).length > 0,
  do: ({ view }) => {
    if (view.camera !== null) view.set({ palette: { at: view.camera.pointer() } })
  },
}
