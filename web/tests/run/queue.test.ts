import { expect, test } from "vitest"
import { EMPTY_QUEUE, followQueue } from "~/run/queue"
import type { Job } from "~/wire/types"

test("after time offline the lists are asked for anew", () => {
  const before = [true, false].reduce((queue, is) => followQueue(queue, { type: "online", is }), EMPTY_QUEUE)
  expect(before.isOnline).toBe(false)
  expect(followQueue(before, { type: "online", is: true }).stale).toBeGreaterThan(before.stale)
})

test("what runs comes first, then what waits in the order of turns", () => {
  const job = (id: string, status: Job["status"], priority: number): Job => ({
    ...{ id, status, priority, create_time: 1, outputs_count: 0, previewable_outputs_count: 0 },
  })
  const jobs = [job("last", "pending", 3), job("next", "pending", -1), job("now", "in_progress", 2)]
  const queue = followQueue(EMPTY_QUEUE, { type: "listed", jobs, history: [], isPaused: false })
  expect(queue.jobs.map(({ id }) => id)).toEqual(["now", "next", "last"])
})
