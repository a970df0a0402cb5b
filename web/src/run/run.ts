/** How far the jobs of one open workflow are, and what its nodes show of them: what the server tells, as one value. */

import type { Frame } from "~/wire/frames"
import type { NodeErrors, NodeOutput, Problem, SocketMessage, WholeJob } from "~/wire/types"

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

/** A job that waits or runs. */
export interface OpenJob {
  readonly id: string
  /** How many nodes its prompt has. */
  readonly nodeCount: number
  /** False until the server has answered that it took it. */
  readonly isTaken: boolean
  /** When it began; null while it waits. */
  readonly began: number | null
  readonly nodes: Readonly<Record<ExecutionId, NodeProgress>>
}

export type RunningJob = OpenJob & { readonly began: number }

export type EndedAs = "success" | "error" | "interrupted"

export interface EndedJob {
  readonly id: string
  readonly as: EndedAs
}

export interface RunState {
  /** In the order in which they were queued. */
  readonly open: readonly OpenJob[]
  readonly last: EndedJob | null
  /** How the last job ended, until somebody looks at the workflow. */
  readonly unseen: EndedAs | null
  /** What nodes showed last, and which jobs made that. */
  readonly outputs: Readonly<Record<ExecutionId, NodeOutput>>
  readonly madeBy: Readonly<Record<ExecutionId, string>>
  /** The jobs that ended and of which something is shown, the last one at the end. */
  readonly shown: readonly string[]
  /** Where nodes of the running job stand, as addresses of pictures. */
  readonly previews: Readonly<Record<ExecutionId, string>>
  /** What went wrong in nodes of the last job. */
  readonly failures: Readonly<Record<ExecutionId, NodeFailure>>
  /** What the server found wrong with the last prompt. */
  readonly problems: Readonly<Record<ExecutionId, NodeErrors>>
  readonly problem: Problem | null
}

export const NOTHING_RUNS: RunState = {
  open: [],
  last: null,
  unseen: null,
  outputs: {},
  madeBy: {},
  shown: [],
  previews: {},
  failures: {},
  problems: {},
  problem: null,
}

/** The job that began first of those that have not ended. */
export function runningJob({ open }: RunState): RunningJob | null {
  return open.find((job): job is RunningJob => job.began !== null) ?? null
}

/** What of the state outlives the page. */
export interface KeptRun {
  readonly open: readonly Pick<OpenJob, "id" | "nodeCount">[]
  readonly shown: readonly string[]
}

export type RunEvent =
  | { readonly type: "message"; readonly message: SocketMessage; readonly at: number }
  | { readonly type: "preview"; readonly frame: Frame; readonly url: string }
  /** A prompt is on its way, under an id of ours; its messages may come before the answer. */
  | { readonly type: "sent"; readonly id: string; readonly nodeCount: number }
  | { readonly type: "queued"; readonly id: string; readonly problems: Readonly<Record<string, NodeErrors>> }
  | { readonly type: "refused"; readonly id: string; readonly problem: Problem; readonly problems: Readonly<Record<string, NodeErrors>> }
  /** Whether the server took it is not known: the answer was lost. */
  | { readonly type: "unanswered"; readonly id: string }
  /** The server was asked for a job, as its messages may have been missed. */
  | { readonly type: "asked"; readonly job: WholeJob; readonly at: number }
  /** The server knows no such job. */
  | { readonly type: "unknown"; readonly id: string }
  | { readonly type: "mended"; readonly node: ExecutionId; readonly input: string }
  | { readonly type: "looked" }
  | { readonly type: "restored"; readonly kept: KeptRun }
