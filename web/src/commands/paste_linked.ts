import type { Command } from "~/commands/command"
import { pasteFromClipboard } from "~/commands/pasting"

export const command: Command = {
  name: "pasteLinked",
  keys: ["Mod+Shift+V"],
  isToldByBrowser: true,
  do: (app) => pasteFromClipboard(app, true),
}
