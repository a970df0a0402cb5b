import { expect, test } from "vitest"
import { nearest } from "~/document/nearest"

const box = (x: number, y: number) => ({ x, y, width: 200, height: 100 })
const boxes = new Map([
  ["beside", box(300, 20)],
  ["far beside", box(700, 0)],
  ["below", box(40, 200)],
  ["aside", box(320, 700)],
])

test.each([
  ["right", "beside"],
  ["down", "below"],
  ["left", undefined],
  ["up", undefined],
] as const)("%s leads to %s", (direction, wanted) => {
  expect(nearest(boxes, box(0, 0), direction)).toBe(wanted)
})

test("going right and left again leads back", () => {
  expect(nearest(new Map([["start", box(0, 0)]]), box(300, 20), "left")).toBe("start")
})
