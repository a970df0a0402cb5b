import { expect, test } from "vitest"
import type { Json, JsonObject } from "~/document/json"
import type { Widget } from "~/document/schema/layout"
import { readNumber, spanOf, stepped } from "~/widgets/numbers"

const of = (type: "INT" | "FLOAT", options: JsonObject = {}): Widget => {
  const start: Json | undefined = options["default"]
  return { key: "n", name: "n", type, options, default: start, isSaved: true, isSent: true }
}

test("what is typed is kept within the bounds, and fractions are rounded to their unit", () => {
  const width = of("INT", { min: 16, max: 1024, step: 8 })
  expect(["9", "513", "2000", "1.5", "x", ""].map((each) => readNumber(each, width))).toEqual([16, 513, 1024, null, null, null])
  expect(readNumber("0.1234", of("FLOAT", { round: 0.01 }))).toBe(0.12)
  expect(readNumber("0,1234", of("FLOAT", { round: false, step: 0.01 }))).toBe(0.1234)
  expect(readNumber("18446744073709551615", of("INT"))).toBe(18446744073709551615n)
})

test("steps of whole numbers meet the default, those of fractions have no dust", () => {
  const width = of("INT", { default: 512, min: 16, max: 1024, step: 64 })
  expect(stepped(512, width, 1)).toBe(576)
  expect([stepped(513, width, 1), stepped(513, width, -1)]).toEqual([576, 512])
  expect(stepped(513, width, 0)).toBe(513)
  expect(stepped(1000, width, 3)).toBe(1024)
  expect(stepped(0.1, of("FLOAT", { step: 0.1 }), 2)).toBe(0.3)
  expect(stepped(0.00002, of("FLOAT", { step: 0.00001 }), 1)).toBe(0.00003)
  expect(stepped(18446744073709551614n, of("INT"), 1)).toBe(18446744073709551615n)
})

test("a slider needs both bounds", () => {
  expect(spanOf(of("FLOAT", { min: 0, max: 1 }))).toEqual([0, 1])
  expect([spanOf(of("FLOAT", { min: 0 })), spanOf(of("INT", { min: 1, max: 1 }))]).toEqual([null, null])
})
