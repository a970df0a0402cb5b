import type { Command } from "~/commands/command"
import { download, fileName } from "~/commands/downloading"
import { pngOf } from "~/commands/picturing"

export const command: Command = {
  name: "exportPng",
  do: async (app) => {
    download(await pngOf(app), "image/png", fileName(app, ".png"))
  },
}
