import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"
import { unpackSubgraph } from "~/document/edits/subgraphs"
import { isHost } from "~/document/workflow"

export const command: Command = {
  name: "unpackSubgraph",
  keys: ["Mod+Shift+U"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).some((node) => isHost(editor.workflow, node)),
  do: ({ editor }) => {
    const host = chosenNodes(editor.graph, editor.state.selected).find((node) => isHost(editor.workflow, node))
    const unpacked = host && unpackSubgraph(editor.workflow, editor.graph.id, host.id)
    if (unpacked === undefined || unpacked === null) return
    editor.edit(unpacked.change)
    editor.select(unpacked.ids)
  },
}
