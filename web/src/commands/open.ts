import type { Command } from "~/commands/command"
import { OPENED_TYPES, openFiles } from "~/commands/opening"

export const command: Command = {
  name: "open",
  keys: ["Mod+O"],
  alsoInTexts: true,
  do: (app) => {
    const input = document.createElement("input")
    input.type = "file"
    input.multiple = true
    input.accept = OPENED_TYPES
    input.addEventListener("change", () => void openFiles(app, [...(input.files ?? [])]))
    input.click()
  },
}
