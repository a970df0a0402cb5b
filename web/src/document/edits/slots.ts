/** Inputs and outputs of the shown subgraph as things that are selected: `input:ID` and `output:ID`. */

import type { Change } from "~/document/change"
import { removeInput, removeOutput } from "~/document/edits/boundary"
import { renameInput, renameOutput } from "~/document/edits/boundary_names"
import { moveInput, moveOutput } from "~/document/edits/boundary_order"
import type { Graph, Workflow } from "~/document/workflow"

interface Slot {
  readonly side: "input" | "output"
  readonly at: number
}

export function slotKey(side: Slot["side"], id: string): string {
  return `${side}:${id}`
}

export function isSlotKey(key: string): boolean {
  return /^(input|output):/.test(key)
}

/** The slot that a key stands for, if the graph has it. */
export function slotOf(graph: Graph, key: string): Slot | null {
  if (!isSlotKey(key)) return null
  const side = key.startsWith("input:") ? "input" : "output"
  const id = key.slice(side.length + 1)
  const at = (side === "input" ? graph.inputs : graph.outputs).findIndex((each) => each.id === id)
  return at < 0 ? null : { side, at }
}

export function removeSlot(workflow: Workflow, graph: Graph, { side, at }: Slot): Change {
  return side === "input" ? removeInput(workflow, graph.id, at) : removeOutput(workflow, graph.id, at)
}

export function renameSlot(workflow: Workflow, graph: Graph, { side, at }: Slot, name: string): Change {
  return side === "input" ? renameInput(workflow, graph.id, at, name) : renameOutput(workflow, graph.id, at, name)
}

/** Move a slot so many places down. */
export function moveSlot(workflow: Workflow, graph: Graph, { side, at }: Slot, by: number): Change {
  return side === "input" ? moveInput(workflow, graph.id, at, at + by) : moveOutput(workflow, graph.id, at, at + by)
}

/** Whether a slot can be moved so many places down. */
export function hasPlace(graph: Graph, { side, at }: Slot, by: number): boolean {
  const count = (side === "input" ? graph.inputs : graph.outputs).length
  return at + by >= 0 && at + by < count
}
