/** Shows a socket or widget inside on the node that stands for the subgraph, and takes it back. */

import type { Command } from "~/commands/command"
import type { Change } from "~/document/change"
import { demote, promote } from "~/document/edits/promote"
import { newUuid } from "~/document/ids"
import type { App } from "~/state/app"

export const commands: readonly Command[] = [
  { name: "promote", ...doing(({ editor, view: { state } }) => state.pointed && promote(editor.workflow, editor.graph, state.pointed, newUuid)) },
  { name: "demote", ...doing(({ editor, view: { state } }) => state.pointed && demote(editor.workflow, editor.graph, state.pointed)) },
]

function doing(change: (app: App) => Change | null): Pick<Command, "when" | "do"> {
  return {
    when: (app) => change(app) !== null,
    do: (app) => {
      const made = change(app)
      if (made !== null) app.relink(made)
    },
  }
}
