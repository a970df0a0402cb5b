import type { Command } from "~/commands/command"

export const command: Command = {
  name: "leave",
  keys: ["Alt+Backspace"],
  when: ({ editor }) => editor.state.path.length > 0,
  do: ({ editor }) => {
    editor.leave()
  },
}
