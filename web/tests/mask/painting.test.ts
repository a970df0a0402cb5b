import fc from "fast-check"
import { expect, test } from "vitest"
import { coverAt, type Brush } from "~/mask/brush"
import { Painting } from "~/mask/painting"
import { emptyMask, maskOfPixels, pixelsOfMask, tinted, whole, type Mask } from "~/mask/raster"

const HARD: Brush = { radius: 3, hardness: 1, erases: false }
const at = (x: number, y: number, pressure = 1) => ({ x, y, pressure })
const byte = ({ mask }: Painting, x: number, y: number): number => mask.bytes[y * mask.width + x] ?? -1
const fresh = (): Painting => new Painting(emptyMask(20, 10))

function stroke(painting: Painting, brush: Brush, ...points: [number, number][]): void {
  const [first, ...rest] = points
  if (first === undefined) return
  painting.begin(brush, at(...first))
  for (const each of rest) painting.moveTo(at(...each))
  painting.end()
}

test("a stroke masks what its brush passes over, and nothing else", () => {
  const painting = fresh()
  stroke(painting, HARD, [5, 5], [14, 5])
  expect(byte(painting, 10, 5)).toBe(255)
  expect(byte(painting, 3, 5)).toBe(255)
  expect(byte(painting, 10, 0)).toBe(0)
  expect(byte(painting, 19, 5)).toBe(0)
})

test("a stroke that leaves the picture and comes back is drawn as far as the picture goes", () => {
  const painting = fresh()
  stroke(painting, HARD, [-50, 5], [50, 5])
  expect([byte(painting, 0, 5), byte(painting, 19, 5)]).toEqual([255, 255])
})

test("a soft brush fades to its edge, and going over a place twice in one stroke leaves it soft", () => {
  expect([coverAt(0, 10, 0), coverAt(10, 10, 0)]).toEqual([1, 0])
  expect(coverAt(5, 10, 0)).toBeCloseTo(0.5)
  const [once, twice] = [fresh(), fresh()]
  const soft = { radius: 6, hardness: 0, erases: false }
  stroke(once, soft, [4, 5], [15, 5])
  stroke(twice, soft, [4, 5], [15, 5], [4, 5])
  expect(twice.mask.bytes).toEqual(once.mask.bytes)
})

test("a pen that is pressed less draws thinner", () => {
  const painting = fresh()
  painting.begin({ ...HARD, radius: 8 }, at(10.5, 5.5, 0.25))
  painting.end()
  expect([byte(painting, 10, 5), byte(painting, 13, 5)]).toEqual([255, 0])
})

test("erasing takes away what was painted, and erasing nothing leaves nothing to undo", () => {
  const painting = fresh()
  stroke(painting, { ...HARD, erases: true }, [5, 5])
  expect(painting.canUndo).toBe(false)
  stroke(painting, HARD, [5, 5], [14, 5])
  stroke(painting, { ...HARD, erases: true }, [10, 5])
  expect([byte(painting, 10, 5), byte(painting, 5, 5)]).toEqual([0, 255])
})

test("a stroke that is taken back while it is drawn was never there", () => {
  const painting = fresh()
  painting.begin(HARD, at(5, 5))
  painting.moveTo(at(9, 5))
  painting.cancel()
  expect(painting.mask).toEqual(emptyMask(20, 10))
  expect([painting.canUndo, painting.isChanged]).toEqual([false, false])
})

test("undoing inverting brings the mask back", () => {
  const painting = fresh()
  stroke(painting, HARD, [5, 5])
  const before = painting.mask.bytes.slice()
  expect(painting.invert()).toEqual(whole(painting.mask))
  expect(byte(painting, 5, 5)).toBe(0)
  painting.undo()
  expect(painting.mask.bytes).toEqual(before)
})

test("what was forgotten for its size counts as changed, and the rest is undone", () => {
  const painting = new Painting(emptyMask(20, 10), 250)
  stroke(painting, HARD, [5, 5])
  painting.clear()
  painting.invert()
  painting.clear()
  while (painting.canUndo) painting.undo()
  expect(painting.isChanged).toBe(true)
})

test("the mask of a picture is where it is transparent, and comes back from the pixels that are sent", () => {
  const mask = maskOfPixels(2, 1, [9, 9, 9, 255, 9, 9, 9, 55])
  expect([...mask.bytes]).toEqual([0, 200])
  expect(maskOfPixels(2, 1, pixelsOfMask(mask))).toEqual(mask)
  expect([...tinted(mask, { left: 1, top: 0, right: 2, bottom: 1 }, [1, 2, 3])]).toEqual([1, 2, 3, 200])
})

const point = fc.tuple(fc.integer({ min: -5, max: 25 }), fc.integer({ min: -5, max: 15 }))
const brush = fc.record({ radius: fc.double({ min: 0.5, max: 8, noNaN: true }), hardness: fc.double({ min: 0, max: 1, noNaN: true }), erases: fc.boolean() })
const deed = fc.oneof(
  fc.tuple(brush, fc.array(point, { minLength: 1, maxLength: 3 })).map(([how, points]) => (painting: Painting) => {
    stroke(painting, how, ...points)
  }),
  fc.constant((painting: Painting) => void painting.invert()),
  fc.constant((painting: Painting) => void painting.clear()),
)

test("undoing everything gives the first mask, redoing everything the last, whatever was done", () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 6 }), fc.uint8Array({ minLength: 200, maxLength: 200 }), (deeds, bytes) => {
      const first: Mask = { width: 20, height: 10, bytes: bytes.slice() }
      const painting = new Painting(first)
      for (const each of deeds) each(painting)
      const last = painting.mask.bytes.slice()
      while (painting.canUndo) painting.undo()
      expect(painting.mask.bytes).toEqual(bytes)
      expect(painting.isChanged).toBe(false)
      while (painting.canRedo) painting.redo()
      expect(painting.mask.bytes).toEqual(last)
    }),
  )
})
