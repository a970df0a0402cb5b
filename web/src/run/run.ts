/** How far jobs are: what the server's messages come to, as one value. */

import type { Frame } from "~/wire/frames"
import type { Job, NodeErrors, NodeOutput, Problem, SocketMessage, WholeJob } from "~/wire/types"

export type { FileItem, Job, NodeOutput } from "~/wire/types"

/** Nodes go by the ids under which they are executed: `7`, or `12:7` inside a subgraph. */
export type ExecutionId = string

export type NodeProgress =
  | { readonly state: "running"; readonly value: number; readonly max: number }
  | { readonly state: "finished"; readonly max?: number }
  | { readonly state: "cached" }

export interface NodeFailure {
  readonly message: string
  readonly type: string
  readonly traceback: readonly string[]
}

export interface RunningJob {
  readonly id: string
  readonly began: number
  /** Known from the prompt; 0 where this window did not queue it. */
  readonly nodeCount: number
  readonly nodes: Readonly<Record<ExecutionId, NodeProgress>>
}

export interface EndedJob {
  readonly id: string
  readonly as: "success" | "error" | "interrupted"
  readonly at: number
}

export interface RunState {
  readonly isOnline: boolean
  /** How many jobs wait or run on the server. */
  readonly remaining: number
  readonly isPaused: boolean
  /** What waits and runs, and what ended, the newest first; as the server last told it. */
  readonly queue: readonly Job[]
  readonly history: readonly Job[]
  /** The job whose messages come in; null between jobs. */
  readonly running: RunningJob | null
  readonly last: EndedJob | null
  /** What nodes showed last. */
  readonly outputs: Readonly<Record<ExecutionId, NodeOutput>>
  /** Where nodes of the running job stand, as addresses of pictures. */
  readonly previews: Readonly<Record<ExecutionId, string>>
  /** What went wrong in nodes of the last job. */
  readonly failures: Readonly<Record<ExecutionId, NodeFailure>>
  /** What the server found wrong with the last prompt, which it did not take. */
  readonly problems: Readonly<Record<ExecutionId, NodeErrors>>
  readonly problem: Problem | null
  /** How many nodes the prompts have that this window queued, by their jobs. */
  readonly nodeCounts: Readonly<Record<string, number>>
  /** Counts what the lists of jobs and pictures may have missed: whoever shows them asks anew when it rises. */
  readonly stale: number
}

export const NOTHING_RUNS: RunState = {
  isOnline: false,
  remaining: 0,
  isPaused: false,
  queue: [],
  history: [],
  running: null,
  last: null,
  outputs: {},
  previews: {},
  failures: {},
  problems: {},
  problem: null,
  nodeCounts: {},
  stale: 0,
}

export type RunEvent =
  | { readonly type: "message"; readonly message: SocketMessage; readonly at: number }
  | { readonly type: "preview"; readonly frame: Frame; readonly url: string }
  | { readonly type: "online"; readonly is: boolean }
  | { readonly type: "queued"; readonly id: string; readonly nodeCount: number; readonly problems: Readonly<Record<string, NodeErrors>> }
  | { readonly type: "refused"; readonly problem: Problem; readonly problems: Readonly<Record<string, NodeErrors>> }
  | { readonly type: "listed"; readonly queue: readonly Job[]; readonly history: readonly Job[]; readonly isPaused: boolean }
  /** A job of this window's ended while nobody listened; the server was asked for what it made. */
  | { readonly type: "recovered"; readonly job: WholeJob; readonly at: number }
  | { readonly type: "mended"; readonly node: ExecutionId; readonly input: string }

