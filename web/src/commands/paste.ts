import type { Command } from "~/commands/command"
import { paste } from "~/state/pasting"
import { words } from "~/words/words"

export const command: Command = {
  name: "paste",
  keys: ["Mod+V"],
  isToldByBrowser: true,
  do: async (app) => {
    const clipboard = navigator.clipboard as Clipboard | undefined // pages without TLS have none
    const text = await clipboard?.readText().catch(() => undefined)
    if (text === undefined) app.tell("info", words.clipboard.useKeys)
    else if (!paste(app, text)) app.tell("info", words.clipboard.nothing)
  },
}
