import type { Command } from "~/commands/command"
import { dissolveNode } from "~/document/edits/nodes"
import { chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "dissolve",
  keys: ["Mod+Delete", "Mod+Backspace"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor }) => {
    for (const { id } of chosenNodes(editor.graph, editor.state.selected)) editor.edit(dissolveNode(editor.graph, id), "dissolve")
    editor.seal()
  },
}
