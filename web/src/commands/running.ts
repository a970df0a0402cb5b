/** What all commands that run have in common. */

import type { App } from "~/state/app"
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
  if (await queueTab(app, tab, options, app.state.batch)) return
  const { problem, problems } = tab.run.getState()
  const found = Object.values(problems).flatMap((each) => each.errors)
  if (found.length === 0) app.tell("error", problem === null ? words.run.notTaken : problemText(problem))
  else app.tell("error", [words.run.wrong(found.length), ...found.slice(0, TOLD).map(problemText)].join("\n"))
}
