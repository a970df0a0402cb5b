import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"
import type { App } from "~/state/app"
import { maskingOf, type Masking } from "~/state/masking"

export const command: Command = {
  name: "paintMask",
  keys: ["P"],
  when: (app) => chosen(app) !== null,
  do: (app) => {
    app.view.set({ masking: chosen(app) })
  },
}

function chosen(app: App): Masking | null {
  const nodes = chosenNodes(app.editor.graph, app.editor.state.selected)
  return nodes.map((node) => maskingOf(app, node.id)).find((each) => each !== null) ?? null
}
