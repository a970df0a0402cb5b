import type { Command } from "~/commands/command"
import { boxAround } from "~/document/edits/subgraphs"
import { addGroup } from "~/document/edits/drawn"
import { chosenNodes } from "~/document/edits/selection"
import { words } from "~/words/words"

const EDGE = 24
const TITLES = 66 // of the group, and of the nodes in it

export const command: Command = {
  name: "group",
  keys: ["Mod+G"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor, view }) => {
    const nodes = chosenNodes(editor.graph, editor.state.selected)
    const box = boxAround(nodes.map((node) => ({ ...node, size: view.camera?.sizeOf(node.id) ?? node.size })))
    const around = { x: box.x - EDGE, y: box.y - TITLES, width: box.width + 2 * EDGE, height: box.height + TITLES + EDGE }
    const { change, id } = addGroup(editor.graph, around, words.canvas.group)
    editor.edit(change)
    editor.select([`group:${id}`])
    view.set({ renamed: `group:${id}` })
  },
}
