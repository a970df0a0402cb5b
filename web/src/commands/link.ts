import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"

export const command: Command = {
  name: "link",
  keys: ["L"],
  onCanvas: true,
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: ({ editor, view }) => {
    view.set({ linked: chosenNodes(editor.graph, editor.state.selected).at(-1)?.id ?? null })
  },
}
