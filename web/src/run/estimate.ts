/** How much of a job is done, and how long the rest may take. */

import { runningJob, type NodeProgress, type RunState } from "~/run/run"

/** A node counts as many times as it has steps; one that has none, or did not begin, once. */
function stepsOf(node: NodeProgress): number {
  return node.state === "cached" ? 1 : Math.max(node.max ?? 1, 1)
}

function doneOf(node: NodeProgress): number {
  return node.state === "running" ? Math.min(node.value, stepsOf(node)) : stepsOf(node)
}

/** How much of the running job is done, 0 to 1; null where none runs or its size is not known. */
export function jobProgress(state: RunState): number | null {
  const running = runningJob(state)
  if (running === null || running.nodeCount === 0) return null
  const begun = Object.values(running.nodes)
  const waiting = Math.max(0, running.nodeCount - begun.length)
  const all = begun.reduce((sum, each) => sum + stepsOf(each), waiting)
  return begun.reduce((sum, each) => sum + doneOf(each), 0) / Math.max(all, 1)
}

/** Seconds that the running job may still take, if it goes on as fast as so far; null where nothing tells. */
export function secondsLeft(state: RunState, now: number): number | null {
  const running = runningJob(state)
  if (running === null || running.nodeCount === 0) return null
  const worked = Object.values(running.nodes).filter((each) => each.state !== "cached")
  const done = worked.reduce((sum, each) => sum + doneOf(each), 0)
  const left = worked.reduce((sum, each) => sum + stepsOf(each) - doneOf(each), running.nodeCount - Object.keys(running.nodes).length)
  // before the first steps of a node with steps, what was done says nothing about them
  if (!worked.some((each) => stepsOf(each) > 1 && doneOf(each) > 0)) return null
  return (Math.max(0, now - running.began) / 1000 / done) * Math.max(0, left)
}
