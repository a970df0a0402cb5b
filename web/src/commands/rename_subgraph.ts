import type { Command } from "~/commands/command"

export const command: Command = {
  name: "renameSubgraph",
  when: ({ editor }) => editor.state.path.length > 0,
  do: ({ editor, view }) => {
    view.set({ renamed: `graph:${editor.graph.id}` })
  },
}
