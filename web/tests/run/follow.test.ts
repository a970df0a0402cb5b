import { expect, test } from "vitest"
import { jobProgress } from "~/run/estimate"
import { follow } from "~/run/follow"
import { NOTHING_RUNS, type RunEvent, type RunState } from "~/run/run"
import type { SocketMessage, WholeJob } from "~/wire/types"

const P = "job"
const place = (id: string, display = id) => ({ node_id: id, prompt_id: P, display_node_id: display, parent_node_id: null, real_node_id: display })
const message = (message: SocketMessage): RunEvent => ({ type: "message", message, at: 7 })
const state = (nodes: Record<string, [number, number, "running" | "finished"]>): RunEvent =>
  message({
    type: "progress_state",
    data: {
      prompt_id: P,
      nodes: Object.fromEntries(Object.entries(nodes).map(([id, [value, max, state]]) => [id, { ...place(id, id.split(".")[0]), value, max, state }])),
    },
  })
const start = message({ type: "execution_start", data: { prompt_id: P, timestamp: 1 } })
const queued: RunEvent = { type: "queued", id: P, nodeCount: 4, problems: {} }
const after = (...events: RunEvent[]): RunState => events.reduce(follow, NOTHING_RUNS)
const over = message({ type: "executing", data: { node: null, prompt_id: P } })

test("progress counts what was kept, what is done, and how far the rest is", () => {
  const now = after(queued, start, message({ type: "execution_cached", data: { prompt_id: P, nodes: ["1"], timestamp: 2 } }), state({ 2: [1, 1, "finished"], 3: [5, 10, "running"] }))
  expect(now.running?.nodes).toEqual({ 1: { state: "cached" }, 2: { state: "finished", max: 1 }, 3: { state: "running", value: 5, max: 10 } })
  expect(jobProgress(now)).toBe(7 / 13)
})

test("it does not matter whether the answer or the first message comes first", () => {
  expect(jobProgress(after(start, state({ 3: [5, 10, "running"] }), queued))).toBe(jobProgress(after(queued, start, state({ 3: [5, 10, "running"] }))))
})

test("a node that was expanded runs while any part of it runs", () => {
  const now = after(start, state({ "5.0.0.1": [1, 1, "finished"], "5.0.0.2": [1, 4, "running"] }))
  expect(now.running?.nodes).toEqual({ 5: { state: "running", value: 1, max: 4 } })
})

test("outputs stay after the job, previews go", () => {
  const output = { images: [{ filename: "a.png", subfolder: "", type: "output" as const }] }
  const now = after(
    start,
    state({ 3: [1, 2, "running"] }),
    { type: "preview", frame: { picture: new Blob() }, url: "blob:1" },
    message({ type: "executed", data: { node: "3", display_node: "3", output, prompt_id: P } }),
  )
  expect(now.previews).toEqual({ 3: "blob:1" })
  const done = [message({ type: "execution_success", data: { prompt_id: P, timestamp: 9 } }), over].reduce(follow, now)
  expect(done).toMatchObject({ running: null, previews: {}, outputs: { 3: output }, last: { id: P, as: "success" } })
})

const error = (type: string): RunEvent =>
  message({
    type: "execution_error",
    data: {
      ...{ prompt_id: P, node_id: "3", node_type: "Fail", executed: [], exception_message: "boom\n", exception_type: type },
      ...{ traceback: ["line"], current_inputs: {}, current_outputs: [], timestamp: 3 },
    },
  })

test("an error stands on its node until the next job", () => {
  const now = after(start, error("ValueError"), over)
  expect(now).toMatchObject({ running: null, failures: { 3: { message: "boom", type: "ValueError" } }, last: { as: "error" } })
  expect(follow(now, start).failures).toEqual({})
})

test("a job goes on past a node that was blocked", () => {
  expect(after(start, error("ExecutionBlocked")).running?.id).toBe(P)
})

test("what another window's job ends does not end ours", () => {
  expect(after(start, message({ type: "executing", data: { node: null, prompt_id: "other" } })).running?.id).toBe(P)
})

test("what was refused is told by node, until something is queued", () => {
  const problem = { type: "x", message: "m", details: "d", extra_info: {} }
  const refused: RunEvent = { type: "refused", problem, problems: { 3: { errors: [problem], dependent_outputs: [], class_type: "Fail" } } }
  expect(after(refused).problems[3]?.errors).toHaveLength(1)
  expect(after(refused, queued)).toMatchObject({ problem: null, problems: {} })
})

test("after time offline the lists are asked for anew", () => {
  const before = after({ type: "online", is: true }, { type: "online", is: false })
  expect(before.isOnline).toBe(false)
  expect(follow(before, { type: "online", is: true }).stale).toBeGreaterThan(before.stale)
})

test("what ended while nobody listened is shown once the server was asked", () => {
  const output = { images: [{ filename: "a.png", subfolder: "", type: "output" as const }] }
  const count = { outputs_count: 1, previewable_outputs_count: 1, priority: 1, create_time: 1 }
  const job = { id: P, status: "completed" as const, ...count, workflow: { prompt: {}, extra_data: {} }, outputs: { 9: output } }
  const now = after(queued, start, { type: "recovered", job: job as unknown as WholeJob, at: 5 })
  expect(now).toMatchObject({ running: null, outputs: { 9: output }, last: { id: P, as: "success" }, nodeCounts: {} })
})

test("after a reload in a run the nodes' progress is told before the job's start, and stays", () => {
  expect(after(state({ 3: [5, 10, "running"] }), start).running?.nodes).toEqual({ 3: { state: "running", value: 5, max: 10 } })
})
