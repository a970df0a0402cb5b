import { expect, test } from "vitest"
import { inputTooltip, outputTooltip } from "~/document/schema/tooltips"

test("inputs and outputs have the tooltips of their type, if any", () => {
  const definition = {
    input: { required: { steps: ["INT", { tooltip: "How many" }], model: ["MODEL"] }, optional: { mask: ["MASK", { tooltip: "Where" }] } },
    output: ["LATENT", "IMAGE"],
    output_tooltips: [null, "What came of it"],
  }
  expect(["steps", "model", "mask", "none"].map((each) => inputTooltip(definition, each))).toEqual(["How many", undefined, "Where", undefined])
  expect([0, 1, 2].map((each) => outputTooltip(definition, each))).toEqual([undefined, "What came of it", undefined])
  expect([inputTooltip(undefined, "steps"), outputTooltip({}, 0)]).toEqual([undefined, undefined])
})
