import type { Command } from "~/commands/command"
import { download, fileName } from "~/commands/downloading"
import { textOfWorkflow } from "~/state/files"

export const command: Command = {
  name: "exportWorkflow",
  do: (app) => {
    download(textOfWorkflow(app, app.editor.workflow), "application/json", fileName(app, ".json"))
  },
}
