import { describe, test } from "vitest"
import { pairs } from "./pairs"
import { expectSamePrompt } from "./same_prompt"

const all = pairs()

describe.skipIf(all.length === 0)("a saved workflow becomes the prompt that the editor makes of it", () => {
  test.each(all)("$name", (pair) => {
    expectSamePrompt(pair, pair.workflow)
  })
})
