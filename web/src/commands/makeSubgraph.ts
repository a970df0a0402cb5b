import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"
import { makeSubgraph } from "~/document/edits/subgraphs"
import { newUuid } from "~/document/ids"
import { words } from "~/words/words"

export const command: Command = {
  name: "makeSubgraph",
  keys: ["Mod+Shift+E"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor, view }) => {
    const { workflow, graph, state } = editor
    const made = makeSubgraph(workflow, graph.id, state.selected, words.canvas.subgraph, newUuid)
    if (made === null) return
    editor.edit(made.change)
    editor.select([made.host])
    view.set({ renamed: made.host })
  },
}
