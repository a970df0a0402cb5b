import type { Command } from "~/commands/command"
import { align, chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "alignLeft",
  keys: ["Alt+ArrowLeft"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 1,
  do: ({ editor, view }) => {
    const nodes = chosenNodes(editor.graph, editor.state.selected)
    editor.edit(align(editor.graph, nodes, "left", (node) => view.camera?.sizeOf(node.id) ?? node.size))
  },
}
