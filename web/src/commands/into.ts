import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "into",
  keys: ["Enter"],
  onCanvas: true,
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor, view }) => {
    const node = chosenNodes(editor.graph, editor.state.selected).at(-1)
    if (node !== undefined) view.camera?.focusInto(node.id)
  },
}
