import type { Command } from "~/commands/command"

export const command: Command = {
  name: "out",
  keys: ["Escape"],
  onCanvas: true,
  alsoInTexts: true,
  do: ({ editor, view }) => {
    const focused = view.camera?.focused()
    if (focused?.isInside === true) view.camera?.focus(focused.node)
    else editor.select([])
  },
}
