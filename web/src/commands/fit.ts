import type { Command } from "~/commands/command"

export const command: Command = {
  name: "fit",
  keys: ["."],
  do: ({ editor, view }) => {
    const { selected } = editor.state
    view.camera?.fit(selected.size > 1 ? selected : undefined)
  },
}
