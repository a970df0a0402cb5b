import type { Command } from "~/commands/command"
import { align, chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "alignBottom",
  keys: ["Alt+ArrowDown"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 1,
  do: ({ editor, view }) => {
    const nodes = chosenNodes(editor.graph, editor.state.selected)
    editor.edit(align(editor.graph, nodes, "bottom", (node) => view.camera?.sizeOf(node.id) ?? node.size))
  },
}
