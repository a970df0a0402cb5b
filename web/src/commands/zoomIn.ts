import type { Command } from "~/commands/command"

export const command: Command = {
  name: "zoomIn",
  keys: ["+", "="],
  do: ({ view }) => {
    view.camera?.zoom("in")
  },
}
