import { expect, test } from "vitest"
import { fitted, inPicture, pinched, zoomed } from "~/mask/zoom"

test("a picture is fitted into the middle", () => {
  const placing = fitted({ width: 100, height: 50 }, { width: 248, height: 448 })
  expect(placing).toEqual({ scale: 2, x: 24, y: 174 })
  expect(inPicture(placing, { x: 124, y: 224 })).toEqual({ x: 50, y: 25 })
})

test("what is under the pointer stays there while it is enlarged", () => {
  const placing = { scale: 2, x: 24, y: 174 }
  const at = { x: 60, y: 200 }
  const after = zoomed(placing, at, 3, 0.1)
  expect(after.scale).toBe(6)
  expect(inPicture(after, at)).toEqual(inPicture(placing, at))
})

test("it becomes no smaller than is said", () => {
  expect(zoomed({ scale: 2, x: 0, y: 0 }, { x: 0, y: 0 }, 0.01, 0.5).scale).toBe(0.5)
})

test("what is under two fingers stays under them", () => {
  const placing = { scale: 1, x: 0, y: 0 }
  const after = pinched(placing, [{ x: 10, y: 10 }, { x: 20, y: 10 }], [{ x: 50, y: 60 }, { x: 70, y: 60 }], 0.1)
  expect(after.scale).toBe(2)
  expect(inPicture(after, { x: 60, y: 60 })).toEqual({ x: 15, y: 10 })
})
