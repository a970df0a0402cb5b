import type { Command } from "~/commands/command"
import { isReady, runShown } from "~/commands/running"
import { linksOutOf } from "~/document/links"
import type { App } from "~/state/app"
import { executionId } from "~/state/editor"

export const command: Command = {
  name: "run_here",
  keys: ["Alt+Enter"],
  alsoInTexts: true,
  when: (app) => isReady(app) && targets(app).length > 0,
  do: (app) => runShown(app, { partial_execution_targets: targets(app) }),
}

/** The selected nodes that show or keep something; for others, the first such nodes that they lead to. */
function targets(app: App): string[] {
  const { graph, state } = app.editor
  const found = new Set<string>()
  const seen = new Set<string>()
  const waiting = [...state.selected].filter((id) => graph.nodes.has(id))
  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    if (seen.has(id)) continue
    seen.add(id)
    const type = graph.nodes.get(id)?.type ?? ""
    if (app.state.definitions[type]?.output_node === true) found.add(executionId(state.path, id))
    else waiting.push(...linksOutOf(graph, id).map((link) => link.to.node))
  }
  return [...found]
}
