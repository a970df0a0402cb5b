/** What was done and can be undone: changes with their inverses, of which one gesture is one. */

import { apply } from "~/document/apply"
import { batch, overwrites, type Change } from "~/document/change"
import type { Workflow } from "~/document/workflow"

interface Entry {
  readonly redo: Change
  readonly undo: Change
  /** Changes with the same words belong to one gesture, until it is sealed. */
  readonly gesture?: string | undefined
}

export interface History {
  readonly workflow: Workflow
  readonly past: readonly Entry[]
  readonly future: readonly Entry[]
}

const MOST = 500

export function startHistory(workflow: Workflow): History {
  return { workflow, past: [], future: [] }
}

/** Make a change happen. With the words of the last change's `gesture`, both are undone at once. */
export function record(history: History, change: Change, gesture?: string): History {
  const { workflow, inverse } = apply(history.workflow, change)
  const last = history.past.at(-1)
  if (gesture !== undefined && last?.gesture === gesture) {
    const merged = { ...joined(last, { redo: change, undo: inverse }), gesture }
    return { workflow, past: [...history.past.slice(0, -1), merged], future: [] }
  }
  return { workflow, past: [...history.past.slice(1 - MOST), { redo: change, undo: inverse, gesture }], future: [] }
}

function joined(first: Entry, second: Entry): Entry {
  const words = overwrites(first.redo)
  if (words !== null && words === overwrites(second.redo)) return { redo: second.redo, undo: first.undo }
  return { redo: batch(...flat(first.redo), ...flat(second.redo)), undo: batch(...flat(second.undo), ...flat(first.undo)) }
}

function flat(change: Change): readonly Change[] {
  return change.type === "batch" ? change.changes : [change]
}

/** Make a change that is nobody's doing, such as a seed's after a run: undoing passes over it. */
export function amend(history: History, change: Change): History {
  return { ...history, workflow: apply(history.workflow, change).workflow }
}

/** End the gesture that is going on: what comes next is undone by itself. */
export function seal(history: History): History {
  const last = history.past.at(-1)
  if (last?.gesture === undefined) return history
  return { ...history, past: [...history.past.slice(0, -1), { redo: last.redo, undo: last.undo }] }
}

export function undo(history: History): History {
  const last = history.past.at(-1)
  if (last === undefined) return history
  const { workflow, inverse } = apply(history.workflow, last.undo)
  return { workflow, past: history.past.slice(0, -1), future: [...history.future, { redo: inverse, undo: last.undo }] }
}

export function redo(history: History): History {
  const next = history.future.at(-1)
  if (next === undefined) return history
  const { workflow, inverse } = apply(history.workflow, next.redo)
  return { workflow, past: [...history.past, { redo: next.redo, undo: inverse }], future: history.future.slice(0, -1) }
}
