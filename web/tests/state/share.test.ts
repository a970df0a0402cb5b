import fc from "fast-check"
import { expect, test } from "vitest"
import { carriesWorkflow, packText, unpackText } from "~/state/share"

test("any text comes back out of a link", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const packed = packText(text)
      expect(packed).toMatch(/^[A-Za-z0-9_-]*$/) // which no program that passes links on changes
      expect(unpackText(packed)).toBe(text)
    }),
  )
})

test("a damaged link is told", () => {
  expect(() => unpackText("not-deflated")).toThrow()
  expect(() => unpackText("§")).toThrow()
})

test("a workflow is much shorter in a link", () => {
  const node = { type: "KSampler", inputs: [{ name: "model", type: "MODEL", link: 1 }], outputs: [], properties: {} }
  const text = JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ ...node, id })))
  expect(packText(text).length).toBeLessThan(text.length / 10)
})

test.each([
  ["#workflow=abc", true],
  ["#workflow", false],
  ["#other=1", false],
  ["", false],
])("%j carries a workflow: %j", (hash, carries) => {
  expect(carriesWorkflow(hash)).toBe(carries)
})
