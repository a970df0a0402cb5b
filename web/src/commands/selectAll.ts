import type { Command } from "~/commands/command"

export const command: Command = {
  name: "selectAll",
  keys: ["Mod+A"],
  do: ({ editor }) => {
    const { nodes, groups, reroutes } = editor.graph
    editor.select([
      ...nodes.keys(),
      ...[...groups.keys()].map((id) => `group:${id}`),
      ...[...reroutes.keys()].map((id) => `reroute:${id}`),
    ])
  },
}
