import type { Command } from "~/commands/command"
import { openFiles } from "~/commands/opening"

export const command: Command = {
  name: "open",
  keys: ["Mod+O"],
  alsoInTexts: true,
  do: (app) => {
    const input = document.createElement("input")
    input.type = "file"
    input.multiple = true
    input.accept = ".json,.png,.webp,application/json,image/png,image/webp"
    input.addEventListener("change", () => void openFiles(app, [...(input.files ?? [])]))
    input.click()
  },
}
