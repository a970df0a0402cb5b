import type { Command } from "~/commands/command"

export const command: Command = {
  name: "zoomOut",
  keys: ["-"],
  do: ({ view }) => {
    view.camera?.zoom("out")
  },
}
