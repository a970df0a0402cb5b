/** Moves an input or output of the shown subgraph up and down among its like. */

import type { Command } from "~/commands/command"
import { hasPlace, moveSlot, slotOf } from "~/document/edits/slots"
import type { App } from "~/state/app"

export const commands: readonly Command[] = [
  { name: "slotUp", keys: ["Alt+ArrowUp"], ...moving(-1) },
  { name: "slotDown", keys: ["Alt+ArrowDown"], ...moving(1) },
]

function moving(by: number): Pick<Command, "when" | "do"> {
  return {
    when: (app) => {
      const slot = chosen(app)
      return slot !== null && hasPlace(app.editor.graph, slot, by)
    },
    do: (app) => {
      const slot = chosen(app)
      if (slot !== null) app.editor.edit(moveSlot(app.editor.workflow, app.editor.graph, slot, by))
    },
  }
}

function chosen({ editor }: App) {
  const [only] = editor.state.selected
  return only === undefined || editor.state.selected.size > 1 ? null : slotOf(editor.graph, only)
}
