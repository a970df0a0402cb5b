import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "arrange",
  keys: ["Shift+L"],
  when: ({ editor }) => editor.graph.nodes.size > 1,
  do: async ({ editor, view }) => {
    const { arrange } = await import("~/document/edits/arrange")
    const chosen = chosenNodes(editor.graph, editor.state.selected)
    const nodes = chosen.length > 1 ? chosen : [...editor.graph.nodes.values()]
    editor.edit(arrange(editor.graph, nodes, (node) => view.camera?.sizeOf(node.id) ?? node.size))
    if (chosen.length < 2) requestAnimationFrame(() => view.camera?.fit())
  },
}
