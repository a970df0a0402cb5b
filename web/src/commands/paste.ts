import type { Command } from "~/commands/command"
import { pasteFromClipboard } from "~/commands/pasting"

export const command: Command = {
  name: "paste",
  keys: ["Mod+V"],
  isToldByBrowser: true,
  do: (app) => pasteFromClipboard(app, false),
}
