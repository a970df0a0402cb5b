/** What all commands that run have in common. */

import { timesToRun } from "~/commands/batching"
import { ownerOf } from "~/document/names"
import { graphOf, ROOT } from "~/document/workflow"
import type { App, Tab } from "~/state/app"
import { queueTab, type RunOptions } from "~/state/runs"
import { problemText } from "~/words/problem"
import { words } from "~/words/words"

const TOLD = 4

/** Whether the node types are known, without which there is no prompt. */
export function isReady(app: App): boolean {
  return Object.keys(app.state.definitions).length > 0
}

/** Queue the shown workflow as often as the batch says, and tell the user where the server found something wrong. */
export async function runShown(app: App, options: RunOptions = {}): Promise<void> {
  const tab = app.active // another may be shown before all are queued
  const times = await timesToRun(app, tab, app.state.batch)
  if (times === 0) return
  if (await queueTab(app, tab, options, times)) {
    tellLeftOut(app, tab)
    return
  }
  const { problem, problems } = tab.run.getState()
  const found = Object.values(problems).flatMap((each) => each.errors)
  if (found.length === 0) app.tell("error", problem === null ? words.run.notTaken : problemText(problem))
  else app.tell("error", [words.run.wrong(found.length), ...found.slice(0, TOLD).map(problemText)].join("\n"))
}

/** Say which outputs do not run, where the server took the others. */
function tellLeftOut(app: App, tab: Tab): void {
  const problems = Object.values(tab.run.getState().problems)
  const outputs = new Set(problems.flatMap((each) => each.dependent_outputs))
  if (outputs.size === 0) return
  const { workflow } = tab.editor
  const place = { workflow, graph: graphOf(workflow, ROOT), definitions: app.state.definitions }
  const names = [...outputs].map((id) => ownerOf(place, id.split(":")[0] ?? id)) // what is inside a subgraph goes by the node around it
  const why = problems.flatMap((each) => each.errors).slice(0, TOLD).map(problemText)
  app.tell("error", [words.run.leftOut(names), ...why].join("\n"))
}
