/** From the shown workflow to the server's queue. */

import { afterRun } from "~/document/edits/after_run"
import { writeWorkflow } from "~/document/formats/write"
import { promptOf } from "~/document/prompt/convert"
import { freshUuid, type App, type Tab } from "~/state/app"
import { tellRun } from "~/state/run_store"
import type { Job, PromptRequest } from "~/wire/types"

export type RunOptions = Partial<Pick<PromptRequest, "front" | "partial_execution_targets">>

/**
 * Queue a tab's workflow as often as `times` says; seeds change after each. False where the server found something
 * wrong, which the state of its runs then holds.
 */
export async function queueTab(app: App, tab: Tab, options: RunOptions = {}, times = 1): Promise<boolean> {
  for (let count = 0; count < times; count++) {
    if (!(await queueOnce(app, tab, options))) return false
  }
  return true
}

async function queueOnce(app: App, { editor, run, name }: Tab, options: RunOptions): Promise<boolean> {
  const { definitions } = app.state
  const workflow = writeWorkflow(editor.workflow, definitions, true)
  const prompt = promptOf(workflow, definitions)
  const id = freshUuid()
  const order = {
    prompt_id: id,
    client_id: app.clientId,
    prompt,
    extra_data: { extra_pnginfo: { workflow }, heddle: { name } },
    ...options,
    front: options.front ?? false,
  }
  tellRun(run, { type: "sent", id, nodeCount: Object.keys(prompt).length })
  const answer = await app.server.queue(order).catch((error: unknown) => {
    tellRun(run, { type: "unanswered", id })
    throw error
  })
  if (answer.accepted) {
    tellRun(run, { type: "queued", id, problems: answer.job.node_errors })
    editor.amend(afterRun(editor.workflow, definitions))
  } else {
    tellRun(run, { type: "refused", id, problem: answer.error.error, problems: answer.error.node_errors })
  }
  return answer.accepted
}

/** Have a job that failed or was stopped wait again; what it makes comes to the tab that shows how it ended. */
export async function retryJob(app: App, { id, node_count: nodeCount = 0 }: Job): Promise<void> {
  const run = app.state.tabs.find((tab) => tab.run.getState().shown.includes(id))?.run
  if (run !== undefined) tellRun(run, { type: "sent", id, nodeCount })
  try {
    await app.server.retry(id)
  } finally {
    if (run !== undefined) tellRun(run, { type: "unanswered", id }) // refused or not, the server knows how it stands
    await app.jobs.refresh()
  }
}
