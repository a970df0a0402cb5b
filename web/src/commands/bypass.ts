import type { Command } from "~/commands/command"
import { setMode } from "~/document/edits/nodes"
import { chosenNodes } from "~/document/edits/selection"
import { ALWAYS, BYPASSED } from "~/document/workflow"

export const command: Command = {
  name: "bypass",
  keys: ["Mod+B"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor }) => {
    const nodes = chosenNodes(editor.graph, editor.state.selected)
    const mode = nodes.every((node) => node.mode === BYPASSED) ? ALWAYS : BYPASSED
    editor.edit(setMode(editor.graph, nodes.map((node) => node.id), mode))
  },
}
