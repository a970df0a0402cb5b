/** What a draft keeps of its jobs, so that they come back to their workflow after a reload. */

import { textOf, type Json } from "~/document/json"
import { asObject } from "~/document/schema/definition"
import type { KeptRun, RunState } from "~/run/run"

export function keptRun({ open, shown }: RunState): Json {
  return { open: open.map(({ id, nodeCount }) => ({ id, nodeCount })), shown: [...shown] }
}

export function readKeptRun(kept: Json | undefined): KeptRun {
  const { open, shown } = asObject(kept)
  return {
    open: (Array.isArray(open) ? open : []).map(asObject).map((job) => ({ id: textOf(job["id"]), nodeCount: Number(job["nodeCount"]) })),
    shown: (Array.isArray(shown) ? shown : []).map(textOf),
  }
}
