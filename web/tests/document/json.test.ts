import { expect, test } from "vitest"
import { readJson, sameJson, writeJson } from "~/document/json"

test("seeds of 64 bits come back digit for digit", () => {
  const text = '{"seed":18446744073709551615,"small":3,"cfg":6.5}'
  expect(readJson(text)).toEqual({ seed: 18446744073709551615n, small: 3, cfg: 6.5 })
  expect(writeJson(readJson(text))).toBe(text)
})

test("tokens that Python writes are read as null, and texts that hold them stay", () => {
  expect(readJson('[NaN, -Infinity, "a NaN \\" Infinity", 1]')).toEqual([null, null, 'a NaN " Infinity', 1])
})

test("what is no JSON is refused", () => {
  expect(() => readJson("{NaN")).toThrow(SyntaxError)
})

test("the order of keys does not matter, that of lists does", () => {
  expect(sameJson({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true)
  expect(sameJson([1, 2], [2, 1])).toBe(false)
})
