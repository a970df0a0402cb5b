import type { Command } from "~/commands/command"
import { download, fileName } from "~/commands/downloading"
import { svgOf } from "~/commands/picturing"

export const command: Command = {
  name: "exportSvg",
  do: async (app) => {
    download((await svgOf(app)).svg, "image/svg+xml", fileName(app, ".svg"))
  },
}
