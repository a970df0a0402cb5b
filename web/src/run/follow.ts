/** Follows the jobs of one workflow: its state before an event becomes the one after it. Other jobs' messages change nothing. */

import { runningJob, type EndedAs, type NodeFailure, type NodeProgress, type OpenJob, type RunEvent, type RunState } from "~/run/run"
import type { NodeOutput, SocketMessage, WholeJob } from "~/wire/types"

const MOST_SHOWN = 16 // jobs that are asked for after a reload

export function follow(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "message":
      return heard(state, event.message, event.at)
    case "preview": {
      const id = event.frame.place?.display_node_id ?? runningNode(state)
      return id === undefined ? state : { ...state, previews: { ...state.previews, [id]: event.url } }
    }
    case "sent":
      return { ...state, open: [...without(state, event.id).open, { id: event.id, nodeCount: event.nodeCount, isTaken: false, began: null, nodes: {} }] }
    case "queued":
      return { ...withJob(state, event.id, (job) => ({ ...job, isTaken: true })), problem: null, problems: event.problems }
    case "refused":
      return { ...without(state, event.id), problem: event.problem, problems: event.problems }
    case "unanswered":
      return withJob(state, event.id, (job) => ({ ...job, isTaken: true }))
    case "asked":
      return asked(state, event.job, event.at)
    case "unknown":
      return { ...without(state, event.id), shown: state.shown.filter((id) => id !== event.id) }
    case "mended":
      return mended(state, event.node, event.input)
    case "looked":
      return state.unseen === null ? state : { ...state, unseen: null }
    case "restored": {
      const open = event.kept.open.map((job) => ({ ...job, isTaken: true, began: null, nodes: {} }))
      return { ...state, open: [...open, ...state.open], shown: event.kept.shown }
    }
  }
}

function heard(state: RunState, message: SocketMessage, at: number): RunState {
  const id = jobOf(message)
  if (id === undefined || !state.open.some((job) => job.id === id)) return state
  switch (message.type) {
    case "execution_start": {
      // after a reload the nodes are told before the start, and stay
      const begun = withJob(state, id, (job) => ({ ...job, isTaken: true, began: message.data.timestamp }))
      return { ...begun, previews: {}, failures: {} }
    }
    case "execution_cached":
      return withNodes(state, id, at, Object.fromEntries(message.data.nodes.map((node) => [node, { state: "cached" }])))
    case "executing": {
      if (message.data.node === null) return without({ ...state, previews: {} }, id)
      const node = message.data.display_node ?? message.data.node
      const known = state.open.find((job) => job.id === id)?.nodes[node]
      return known?.state === "running" ? state : withNodes(state, id, at, { [node]: { state: "running", value: 0, max: 1 } })
    }
    case "progress_state":
      return withNodes(state, id, at, nodesOf(message.data.nodes))
    case "executed": {
      const { display_node, output } = message.data
      return output === null ? state : withOutputs(state, id, { [display_node]: output })
    }
    case "execution_success":
      return ended(state, id, "success")
    case "execution_interrupted":
      return ended(state, id, "interrupted")
    case "execution_error": {
      const { node_id, exception_message, exception_type, traceback } = message.data
      const failure = { message: exception_message.trim(), type: exception_type, traceback }
      const told = { ...state, failures: { ...state.failures, [node_id]: failure } }
      return exception_type === "ExecutionBlocked" ? told : ended(told, id, "error")
    }
    default:
      return state
  }
}

/** The job that a message is about. */
export function jobOf(message: SocketMessage): string | undefined {
  return "prompt_id" in message.data ? message.data.prompt_id : undefined
}

const ENDED = { completed: "success", failed: "error", cancelled: "interrupted" } as const

function asked(state: RunState, job: WholeJob, at: number): RunState {
  switch (job.status) {
    case "pending":
      return withJob(state, job.id, (known) => ({ ...known, began: null, nodes: {} }))
    case "in_progress":
      return withJob(state, job.id, (known) => ({ ...known, began: known.began ?? job.execution_start_time ?? at }))
    default: {
      const told = withOutputs({ ...state, failures: failuresOf(job) }, job.id, job.outputs ?? {})
      if (state.open.some((each) => each.id === job.id)) return ended(told, job.id, ENDED[job.status])
      return { ...told, last: { id: job.id, as: ENDED[job.status] } }
    }
  }
}

function failuresOf({ execution_error: error }: WholeJob): Record<string, NodeFailure> {
  if (error === undefined || error.node_id === "") return {}
  return { [error.node_id]: { message: error.exception_message.trim(), type: error.exception_type, traceback: error.traceback } }
}

function withJob(state: RunState, id: string, change: (job: OpenJob) => OpenJob): RunState {
  return { ...state, open: state.open.map((job) => (job.id === id ? change(job) : job)) }
}

function withNodes(state: RunState, id: string, at: number, nodes: Readonly<Record<string, NodeProgress>>): RunState {
  return withJob(state, id, (job) => ({ ...job, isTaken: true, began: job.began ?? at, nodes: { ...job.nodes, ...nodes } }))
}

function withOutputs(state: RunState, id: string, outputs: Readonly<Record<string, NodeOutput>>): RunState {
  const madeBy = Object.fromEntries(Object.keys(outputs).map((node) => [node, id]))
  return { ...state, outputs: { ...state.outputs, ...outputs }, madeBy: { ...state.madeBy, ...madeBy } }
}

function without(state: RunState, id: string): RunState {
  return { ...state, open: state.open.filter((job) => job.id !== id) }
}

function ended(state: RunState, id: string, as: EndedAs): RunState {
  const made = new Set([...Object.values(state.madeBy), id])
  const shown = [...state.shown.filter((each) => each !== id && made.has(each)), id].slice(-MOST_SHOWN)
  return { ...without(state, id), last: { id, as }, unseen: as, shown, previews: {} }
}

type Told = Extract<SocketMessage, { type: "progress_state" }>["data"]["nodes"]

/** How far the nodes on the canvas are: one that was expanded runs as long as any of its parts. */
function nodesOf(told: Told): Record<string, NodeProgress> {
  const found: Record<string, NodeProgress> = {}
  for (const each of Object.values(told)) {
    const id = each.display_node_id
    if (each.state === "running") found[id] = { state: "running", value: each.value, max: each.max }
    else if (found[id]?.state !== "running") found[id] = { state: "finished", max: each.max }
  }
  return found
}

function runningNode(state: RunState): string | undefined {
  return Object.entries(runningJob(state)?.nodes ?? {}).find(([, each]) => each.state === "running")?.[0]
}

/** What was wrong with an input is forgotten once it gets another value. */
function mended(state: RunState, node: string, input: string): RunState {
  const known = state.problems[node]
  const errors = known?.errors.filter((each) => each.extra_info.input_name !== input)
  if (known === undefined || errors === undefined || errors.length === known.errors.length) return state
  return { ...state, problems: { ...state.problems, [node]: { ...known, errors } } }
}
