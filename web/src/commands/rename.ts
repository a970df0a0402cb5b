import type { Command } from "~/commands/command"

export const command: Command = {
  name: "rename",
  keys: ["F2"],
  when: ({ editor }) => editor.state.selected.size === 1,
  do: ({ editor, view }) => {
    const [only] = editor.state.selected
    view.set({ renamed: only ?? null })
  },
}
