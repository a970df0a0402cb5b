import type { Command } from "~/commands/command"
import { collapseNodes } from "~/document/edits/nodes"
import { chosenNodes } from "~/document/edits/selection"
import { isCollapsed } from "~/document/workflow"

export const command: Command = {
  name: "collapse",
  keys: ["Alt+C"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor }) => {
    const nodes = chosenNodes(editor.graph, editor.state.selected)
    editor.edit(collapseNodes(editor.graph, nodes.map((node) => node.id), !nodes.every(isCollapsed)))
  },
}
