import { expect, test } from "vitest"
import { keptNumber } from "~/wire/socket"
import type { SocketMessage } from "~/wire/types"

test.each<[SocketMessage, number]>([
  [{ type: "executed", seq: 7, data: { node: "3", display_node: "3", output: null, prompt_id: "p" } }, 7],
  [{ type: "executing", seq: 8, data: { node: null, prompt_id: "p" } }, 8],
  [{ type: "executing", seq: 99, data: { node: "3" } }, 0],
  [{ type: "status", seq: 99, data: { status: { exec_info: { queue_remaining: 1 } } } }, 0],
  [{ type: "progress_state", seq: 99, data: { prompt_id: "p", nodes: {} } }, 0],
  [{ type: "missed", seq: 99, data: { since: 1, oldest: 5 } }, 0],
  [{ type: "execution_start", data: { prompt_id: "p", timestamp: 1 } }, 0],
])("only what the server says again moves the mark: %j", (message, wanted) => {
  expect(keptNumber(message)).toBe(wanted)
})
