import type { Command } from "~/commands/command"
import { download, fileName } from "~/commands/downloading"
import { writeWorkflow } from "~/document/formats/write"
import { writeJson, type Json } from "~/document/json"
import { promptOf } from "~/document/prompt/convert"

export const command: Command = {
  name: "exportPrompt",
  do: (app) => {
    const { definitions } = app.state
    const prompt = promptOf(writeWorkflow(app.editor.workflow, definitions), definitions)
    download(writeJson(prompt as unknown as Json, 2), "application/json", fileName(app, " (API).json"))
  },
}
