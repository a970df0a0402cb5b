/** What holds the runs of one open workflow, and lets go of pictures that it shows no more. */

import { createStore, type StoreApi } from "zustand/vanilla"
import { follow } from "~/run/follow"
import { NOTHING_RUNS, type RunEvent, type RunState } from "~/run/run"

export type RunStore = StoreApi<RunState>

export function makeRunStore(): RunStore {
  const run: RunStore = createStore(() => NOTHING_RUNS)
  run.subscribe((after, before) => {
    if (after.previews === before.previews) return
    const kept = new Set(Object.values(after.previews))
    for (const url of Object.values(before.previews)) if (!kept.has(url)) URL.revokeObjectURL(url)
  })
  return run
}

export function tellRun(run: RunStore, event: RunEvent): void {
  run.setState((state) => follow(state, event), true)
}

/** Let go of all that is held, as the workflow was closed. */
export function emptyRun(run: RunStore): void {
  run.setState(NOTHING_RUNS, true)
}
