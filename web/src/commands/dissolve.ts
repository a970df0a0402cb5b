import type { Command } from "~/commands/command"
import { dissolveNode } from "~/document/edits/nodes"
import { chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "dissolve",
  keys: ["Mod+Delete", "Mod+Backspace"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: (app) => {
    const { editor } = app
    for (const { id } of chosenNodes(editor.graph, editor.state.selected)) app.relink(dissolveNode(editor.graph, id), "dissolve")
    editor.seal()
  },
}
