import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"
import { isHost } from "~/document/workflow"
import type { App } from "~/state/app"

export const command: Command = {
  name: "enter",
  keys: ["Alt+Enter"],
  when: (app) => chosenHost(app) !== undefined,
  do: (app) => {
    const host = chosenHost(app)
    if (host !== undefined) app.editor.enter(host)
  },
}

function chosenHost({ editor }: App): string | undefined {
  return chosenNodes(editor.graph, editor.state.selected).find((node) => isHost(editor.workflow, node))?.id
}
