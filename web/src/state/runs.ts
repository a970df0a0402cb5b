/** Running: from the shown workflow to the server's queue, and from the server's messages to what is shown. */

import { createStore, type StoreApi } from "zustand/vanilla"
import { afterRun } from "~/document/edits/after_run"
import { writeWorkflow } from "~/document/formats/write"
import { promptOf } from "~/document/prompt/convert"
import { follow } from "~/run/follow"
import { NOTHING_RUNS, type RunEvent, type RunState } from "~/run/run"
import type { App } from "~/state/app"
import type { Editor } from "~/state/editor"
import { ServerError, type Server } from "~/wire/http"
import type { Listener } from "~/wire/socket"
import type { Job, PromptRequest } from "~/wire/types"

export function makeRunStore(): StoreApi<RunState> {
  return createStore(() => NOTHING_RUNS)
}

export function tellRun(run: StoreApi<RunState>, event: RunEvent): void {
  run.setState((state) => follow(state, event), true)
}

/** What the websocket tells becomes the state of runs; pictures that nothing shows any more are let go. */
export function listenerFor(run: StoreApi<RunState>, server: Server): Listener {
  run.subscribe((after, before) => {
    if (after.previews === before.previews) return
    const kept = new Set(Object.values(after.previews))
    for (const url of Object.values(before.previews)) if (!kept.has(url)) URL.revokeObjectURL(url)
  })
  return {
    message: (message) => {
      tellRun(run, { type: "message", message, at: Date.now() })
      if (message.type === "missed") void catchUp(run, server)
    },
    frame: (frame) => {
      tellRun(run, { type: "preview", frame, url: URL.createObjectURL(frame.picture) })
    },
    online: (is) => {
      tellRun(run, { type: "online", is })
      if (is) void catchUp(run, server)
    },
  }
}

export type RunOptions = Partial<Pick<PromptRequest, "front" | "partial_execution_targets">>

/**
 * Queue the shown workflow as often as `times` says; seeds change after each. False where the server found something
 * wrong, which the state of runs then holds.
 */
export async function queueShown(app: App, options: RunOptions = {}, times = 1): Promise<boolean> {
  const { editor } = app // another tab may be shown before all are queued
  for (let count = 0; count < times; count++) {
    if (!(await queueOnce(app, editor, options))) return false
  }
  return true
}

async function queueOnce(app: App, editor: Editor, options: RunOptions): Promise<boolean> {
  const { definitions } = app.state
  const workflow = writeWorkflow(editor.workflow, definitions, true)
  const prompt = promptOf(workflow, definitions)
  const answer = await app.server.queue({
    client_id: app.clientId,
    prompt,
    extra_data: { extra_pnginfo: { workflow } },
    ...options,
    front: options.front ?? false,
  })
  if (answer.accepted) {
    const { prompt_id: id, node_errors: problems } = answer.job
    tellRun(app.run, { type: "queued", id, nodeCount: Object.keys(prompt).length, problems })
    editor.amend(afterRun(editor.workflow, definitions))
  } else {
    tellRun(app.run, { type: "refused", problem: answer.error.error, problems: answer.error.node_errors })
  }
  return answer.accepted
}

/** Ask for the jobs of this window whose end it may have missed: after time offline nobody else tells. */
export async function catchUp(run: StoreApi<RunState>, server: Server): Promise<void> {
  for (const id of Object.keys(run.getState().nodeCounts)) {
    try {
      tellRun(run, { type: "recovered", job: await server.job(id), at: Date.now() })
    } catch (error) {
      if (!(error instanceof ServerError)) throw error // it is asked again at the next connection
    }
  }
}

const SHOWN = 64

/** What runs, then what waits, in the order of turns. */
function inTurn(jobs: readonly Job[]): Job[] {
  const isWaiting = (job: Job): number => (job.status === "pending" ? 1 : 0)
  return [...jobs].sort((a, b) => isWaiting(a) - isWaiting(b) || a.priority - b.priority || a.create_time - b.create_time)
}

/** Ask the server what waits, runs and ended. */
export async function refreshQueue(app: App): Promise<void> {
  const [queue, history, state] = await Promise.all([
    app.server.jobs(["in_progress", "pending"]),
    app.server.jobs(["completed", "failed", "cancelled"], SHOWN),
    app.server.queueState(),
  ])
  tellRun(app.run, { type: "listed", queue: inTurn(queue), history, isPaused: state.paused })
}
