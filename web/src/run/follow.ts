/** Follows the server: the state of runs before an event becomes the one after it. */

import type { NodeProgress, RunEvent, RunState } from "~/run/run"
import type { SocketMessage, WholeJob } from "~/wire/types"

export function follow(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "message":
      return heard(state, event.message, event.at)
    case "preview": {
      const id = event.frame.place?.display_node_id ?? runningNode(state)
      return id === undefined ? state : { ...state, previews: { ...state.previews, [id]: event.url } }
    }
    case "online":
      return { ...state, isOnline: event.is, stale: state.stale + (event.is ? 1 : 0) }
    case "queued":
      return {
        ...state,
        problem: null,
        problems: event.problems,
        nodeCounts: { ...state.nodeCounts, [event.id]: event.nodeCount },
        running: state.running?.id === event.id ? { ...state.running, nodeCount: event.nodeCount } : state.running,
      }
    case "refused":
      return { ...state, problem: event.problem, problems: event.problems }
    case "listed":
      return { ...state, queue: event.queue, history: event.history, isPaused: event.isPaused }
    case "recovered":
      return recovered(state, event.job, event.at)
    case "mended":
      return mended(state, event.node, event.input)
  }
}

function heard(state: RunState, message: SocketMessage, at: number): RunState {
  switch (message.type) {
    case "status":
      return { ...state, remaining: message.data.status.exec_info.queue_remaining, stale: state.stale + 1 }
    case "execution_start": {
      const id = message.data.prompt_id
      const nodes = state.running?.id === id ? state.running.nodes : {} // after a reload they are told first
      const running = { id, began: message.data.timestamp, nodeCount: state.nodeCounts[id] ?? 0, nodes }
      return { ...state, running, previews: {}, failures: {} }
    }
    case "execution_cached": {
      const cached = message.data.nodes.map((id) => [id, { state: "cached" }] as const)
      return withNodes(state, message.data.prompt_id, at, Object.fromEntries(cached))
    }
    case "executing":
      return executing(state, message.data, at)
    case "progress_state":
      return withNodes(state, message.data.prompt_id, at, shown(message.data.nodes))
    case "executed": {
      const { display_node: id, output } = message.data
      return output === null ? state : { ...state, outputs: { ...state.outputs, [id]: output } }
    }
    case "execution_success":
      return ended(state, message.data.prompt_id, "success", at)
    case "execution_interrupted":
      return ended(state, message.data.prompt_id, "interrupted", at)
    case "execution_error": {
      const { node_id: id, exception_message, exception_type, traceback, prompt_id } = message.data
      const failure = { message: exception_message.trim(), type: exception_type, traceback }
      const told = { ...state, failures: { ...state.failures, [id]: failure } }
      return exception_type === "ExecutionBlocked" ? told : ended(told, prompt_id, "error", at)
    }
    case "missed":
      return { ...state, stale: state.stale + 1 }
    default:
      return state
  }
}

const ENDED = { completed: "success", failed: "error", cancelled: "interrupted" } as const

function recovered(state: RunState, job: WholeJob, at: number): RunState {
  if (job.status === "pending" || job.status === "in_progress") return state
  const told = { ...state, outputs: { ...state.outputs, ...job.outputs } }
  const error = job.execution_error
  if (error === undefined || error.node_id === "") return ended(told, job.id, ENDED[job.status], at)
  const failure = { message: error.exception_message.trim(), type: error.exception_type, traceback: error.traceback }
  return ended({ ...told, failures: { ...told.failures, [error.node_id]: failure } }, job.id, ENDED[job.status], at)
}

type Executing = Extract<SocketMessage, { type: "executing" }>["data"]

function executing(state: RunState, data: Executing, at: number): RunState {
  if (data.node === null) {
    const isOurs = data.prompt_id === undefined || data.prompt_id === state.running?.id
    return isOurs ? { ...state, running: null, previews: {}, stale: state.stale + 1 } : state
  }
  const id = data.display_node ?? data.node
  const known = state.running?.nodes[id]
  const job = data.prompt_id ?? state.running?.id
  if (job === undefined || known?.state === "running") return state
  return withNodes(state, job, at, { [id]: { state: "running", value: 0, max: 1 } })
}

function withNodes(state: RunState, id: string, at: number, nodes: Readonly<Record<string, NodeProgress>>): RunState {
  const before = state.running?.id === id ? state.running : { id, began: at, nodeCount: state.nodeCounts[id] ?? 0, nodes: {} }
  return { ...state, running: { ...before, nodes: { ...before.nodes, ...nodes } } }
}

type Told = Extract<SocketMessage, { type: "progress_state" }>["data"]["nodes"]

/** How far the nodes on the canvas are: one that was expanded runs as long as any of its parts. */
function shown(told: Told): Record<string, NodeProgress> {
  const found: Record<string, NodeProgress> = {}
  for (const each of Object.values(told)) {
    const id = each.display_node_id
    if (each.state === "running") found[id] = { state: "running", value: each.value, max: each.max }
    else if (found[id]?.state !== "running") found[id] = { state: "finished", max: each.max }
  }
  return found
}

function ended(state: RunState, id: string, as: "success" | "error" | "interrupted", at: number): RunState {
  const nodeCounts = Object.fromEntries(Object.entries(state.nodeCounts).filter(([each]) => each !== id))
  const running = state.running?.id === id ? null : state.running
  return { ...state, running, last: { id, as, at }, previews: {}, nodeCounts, stale: state.stale + 1 }
}

function runningNode(state: RunState): string | undefined {
  return Object.entries(state.running?.nodes ?? {}).find(([, each]) => each.state === "running")?.[0]
}

/** What was wrong with an input is forgotten once it gets another value. */
function mended(state: RunState, node: string, input: string): RunState {
  const known = state.problems[node]
  const errors = known?.errors.filter((each) => each.extra_info.input_name !== input)
  if (known === undefined || errors === undefined || errors.length === known.errors.length) return state
  return { ...state, problems: { ...state.problems, [node]: { ...known, errors } } }
}
