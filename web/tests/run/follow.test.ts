import { expect, test } from "vitest"
import { jobProgress } from "~/run/estimate"
import { follow } from "~/run/follow"
import { NOTHING_RUNS, runningJob, type RunEvent, type RunState } from "~/run/run"
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
const sent: RunEvent = { type: "sent", id: P, nodeCount: 4 }
const queued: RunEvent = { type: "queued", id: P, problems: {} }
const after = (...events: RunEvent[]): RunState => [sent, ...events].reduce(follow, NOTHING_RUNS)
const success = message({ type: "execution_success", data: { prompt_id: P, timestamp: 9 } })
const output = { images: [{ filename: "a.png", subfolder: "", type: "output" as const }] }
const executed = message({ type: "executed", data: { node: "3", display_node: "3", output, prompt_id: P } })
const over = message({ type: "executing", data: { node: null, prompt_id: P } })

test("progress counts what was kept, what is done, and how far the rest is", () => {
  const now = after(queued, start, message({ type: "execution_cached", data: { prompt_id: P, nodes: ["1"], timestamp: 2 } }), state({ 2: [1, 1, "finished"], 3: [5, 10, "running"] }))
  expect(runningJob(now)?.nodes).toEqual({ 1: { state: "cached" }, 2: { state: "finished", max: 1 }, 3: { state: "running", value: 5, max: 10 } })
  expect(jobProgress(now)).toBe(7 / 13)
})

test("it does not matter whether the answer or the first message comes first", () => {
  expect(jobProgress(after(start, state({ 3: [5, 10, "running"] }), queued))).toBe(jobProgress(after(queued, start, state({ 3: [5, 10, "running"] }))))
})

test("a node that was expanded runs while any part of it runs", () => {
  const now = after(start, state({ "5.0.0.1": [1, 1, "finished"], "5.0.0.2": [1, 4, "running"] }))
  expect(runningJob(now)?.nodes).toEqual({ 5: { state: "running", value: 1, max: 4 } })
})

test("outputs stay after the job, previews go", () => {
  const now = after(
    start,
    state({ 3: [1, 2, "running"] }),
    { type: "preview", frame: { picture: new Blob() }, url: "blob:1" },
    executed,
  )
  expect(now.previews).toEqual({ 3: "blob:1" })
  const done = [success, over].reduce(follow, now)
  expect(done).toMatchObject({ open: [], shown: [P], previews: {}, outputs: { 3: output }, last: { id: P, as: "success" } })
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
  expect(now).toMatchObject({ open: [], failures: { 3: { message: "boom", type: "ValueError" } }, last: { as: "error" } })
  expect([sent, start].reduce(follow, now).failures).toEqual({})
})

test("a job goes on past a node that was blocked", () => {
  expect(runningJob(after(start, error("ExecutionBlocked")))?.id).toBe(P)
})

test("a job that another workflow, window or program queued changes nothing", () => {
  const now = after(start)
  expect(follow(now, message({ type: "executing", data: { node: null, prompt_id: "other" } }))).toBe(now)
  expect(follow(now, message({ type: "executed", data: { node: "3", display_node: "3", output, prompt_id: "other" } }))).toBe(now)
  const stranger = message({ type: "execution_start", data: { prompt_id: "other", timestamp: 1 } })
  expect(follow(NOTHING_RUNS, stranger)).toBe(NOTHING_RUNS)
})

test("of several jobs that run at once, the first is shown until it ends", () => {
  const other: RunEvent[] = [{ type: "sent", id: "other", nodeCount: 1 }, message({ type: "execution_start", data: { prompt_id: "other", timestamp: 2 } })]
  const now = after(start, ...other)
  expect(runningJob(now)?.id).toBe(P)
  expect(runningJob(follow(now, success))?.id).toBe("other")
})

test("how a job ended is unseen until somebody looks", () => {
  const now = after(start, error("ValueError"))
  expect(now.unseen).toBe("error")
  expect(follow(now, { type: "looked" }).unseen).toBeNull()
})

test("what was refused is told by node, until something is queued", () => {
  const problem = { type: "x", message: "m", details: "d", extra_info: {} }
  const refused: RunEvent = { type: "refused", id: P, problem, problems: { 3: { errors: [problem], dependent_outputs: [], class_type: "Fail" } } }
  expect(after(refused).problems[3]?.errors).toHaveLength(1)
  expect(after(refused).open).toEqual([])
  expect(after(refused, queued)).toMatchObject({ problem: null, problems: {} })
})

const count = { outputs_count: 1, previewable_outputs_count: 1, priority: 1, create_time: 1 }
const asked = (id: string, status: string, outputs = {}): RunEvent => ({
  type: "asked",
  job: { id, status, ...count, workflow: { prompt: {}, extra_data: {} }, outputs } as unknown as WholeJob,
  at: 5,
})

test("what ended while nobody listened is shown once the server was asked", () => {
  const now = after(queued, start, asked(P, "completed", { 9: output }))
  expect(now).toMatchObject({ open: [], outputs: { 9: output }, madeBy: { 9: P }, last: { id: P, as: "success" } })
})

test("a job that lost its turn as the server went down waits again", () => {
  expect(after(queued, start, asked(P, "pending")).open).toMatchObject([{ id: P, began: null, nodes: {} }])
})

test("a job that the server forgot, or never got, waits no more", () => {
  expect(after({ type: "unanswered", id: P }, { type: "unknown", id: P }).open).toEqual([])
})

test("after a reload in a run the nodes' progress is told before the job's start, and stays", () => {
  expect(runningJob(after(state({ 3: [5, 10, "running"] }), start))?.nodes).toEqual({ 3: { state: "running", value: 5, max: 10 } })
})

test("what was shown before a reload comes back from the jobs that made it, the last one's state included", () => {
  const kept = { open: [{ id: "waits", nodeCount: 2 }], shown: ["first", P] }
  const now = [
    { type: "restored", kept } as const,
    asked("first", "completed", { 3: output, 4: output }),
    asked(P, "cancelled", { 4: output }),
  ].reduce<RunState>(follow, NOTHING_RUNS)
  expect(now).toMatchObject({ madeBy: { 3: "first", 4: P }, last: { id: P, as: "interrupted" }, unseen: null })
  expect(now.open.map(({ id }) => id)).toEqual(["waits"])
})

test("only the jobs are kept of which something is shown, and the last", () => {
  const again = (id: string, ...more: RunEvent[]): RunEvent[] => [
    { type: "sent", id, nodeCount: 1 },
    ...more,
    message({ type: "execution_success", data: { prompt_id: id, timestamp: 9 } }),
  ]
  const made = (id: string) => message({ type: "executed", data: { node: "3", display_node: "3", output, prompt_id: id } })
  const now = after(executed, success, ...again("b", made("b")), ...again("c"))
  expect(now.shown).toEqual(["b", "c"])
})
