import { expect, test } from "vitest"
import { jobProgress, secondsLeft } from "~/run/estimate"
import { NOTHING_RUNS, type NodeProgress, type RunState } from "~/run/run"

const running = (nodeCount: number, nodes: Record<string, NodeProgress>): RunState => ({
  ...NOTHING_RUNS,
  open: [{ id: "job", isTaken: true, began: 1000, nodeCount, nodes }],
})

test("a node with steps counts as many times as it has steps", () => {
  const state = running(3, { 1: { state: "finished", max: 1 }, 2: { state: "running", value: 9, max: 18 } })
  expect(jobProgress(state)).toBe(0.5)
})

test("the rest takes as long as its steps took so far, those that were kept left out", () => {
  const state = running(3, { 1: { state: "cached" }, 2: { state: "running", value: 10, max: 19 } })
  expect(secondsLeft(state, 6000)).toBe(5)
})

test("nothing is said of the time before a node with steps has made one, or where the size is not known", () => {
  expect(secondsLeft(running(3, { 1: { state: "finished", max: 1 }, 2: { state: "running", value: 0, max: 20 } }), 9000)).toBeNull()
  expect(secondsLeft(running(0, { 2: { state: "running", value: 5, max: 20 } }), 9000)).toBeNull()
  expect(jobProgress(running(0, {}))).toBeNull()
  expect(jobProgress(NOTHING_RUNS)).toBeNull()
})
