/** The server's queue as a whole, whoever queued what: whether it answers, what waits and runs, and what ended. */

import type { Job, SocketMessage } from "~/wire/types"

export interface Queue {
  readonly isOnline: boolean
  /** How many jobs wait or run on the server. */
  readonly remaining: number
  readonly isPaused: boolean
  /** What runs, then what waits in the order of turns; and what ended, the newest first; as the server last told it. */
  readonly jobs: readonly Job[]
  readonly history: readonly Job[]
  /** Counts what the lists may have missed: whoever shows them asks anew when it rises. */
  readonly stale: number
}

export const EMPTY_QUEUE: Queue = { isOnline: false, remaining: 0, isPaused: false, jobs: [], history: [], stale: 0 }

export type QueueEvent =
  | { readonly type: "message"; readonly message: SocketMessage }
  | { readonly type: "online"; readonly is: boolean }
  | { readonly type: "listed"; readonly jobs: readonly Job[]; readonly history: readonly Job[]; readonly isPaused: boolean }

export function followQueue(queue: Queue, event: QueueEvent): Queue {
  switch (event.type) {
    case "online":
      return { ...queue, isOnline: event.is, stale: queue.stale + (event.is ? 1 : 0) }
    case "listed":
      return { ...queue, jobs: inTurn(event.jobs), history: event.history, isPaused: event.isPaused }
    case "message":
      return heard(queue, event.message)
  }
}

function heard(queue: Queue, message: SocketMessage): Queue {
  const stale = queue.stale + 1
  switch (message.type) {
    case "status":
      return { ...queue, remaining: message.data.status.exec_info.queue_remaining, stale }
    case "executing":
      return message.data.node === null ? { ...queue, stale } : queue
    case "execution_success":
    case "execution_interrupted":
    case "execution_error":
    case "missed":
      return { ...queue, stale }
    default:
      return queue
  }
}

function inTurn(jobs: readonly Job[]): Job[] {
  const isWaiting = (job: Job): number => (job.status === "pending" ? 1 : 0)
  return [...jobs].sort((a, b) => isWaiting(a) - isWaiting(b) || a.priority - b.priority || a.create_time - b.create_time)
}
