import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { afterRun, drawSeeds } from "~/document/edits/after_run"
import type { Definitions } from "~/document/schema/definition"
import { controlKey } from "~/document/schema/layout"
import { nodeOfType } from "~/document/schema/template"
import { graphOf, ROOT } from "~/document/workflow"
import { graph, link, workflow } from "./made"

const DEFINITIONS: Definitions = {
  Noise: {
    input: {
      required: {
        seed: ["INT", { default: 5, min: 0, max: 1000, step: 10 }],
        kind: [["a", "b", "c"], { control_after_generate: true }],
      },
    },
    output: ["NOISE"],
  },
}
const noise = (seed: string, kind: string) => {
  const fresh = nodeOfType("Noise", DEFINITIONS["Noise"] ?? {}, "1", { x: 0, y: 0 })
  return { ...fresh, values: { ...fresh.values, [controlKey("seed")]: seed, [controlKey("kind")]: kind, kind: "c" } }
}
const after = (seed: string, kind: string, random = 0) => {
  const start = workflow(graph([noise(seed, kind)]))
  return graphOf(apply(start, afterRun(start, DEFINITIONS, () => random)).workflow, ROOT).nodes.get("1")?.values
}

test.each([
  ["fixed", "fixed", 5, "c"],
  ["increment", "increment", 15, "c"],
  ["decrement", "decrement", 0, "b"],
  ["randomize", "increment-wrap", 0, "a"],
])("a seed that is told %s and a choice that is told %s become %s and %s", (seed, kind, wantedSeed, wantedKind) => {
  expect(after(seed, kind)).toMatchObject({ seed: wantedSeed, kind: wantedKind })
})

test("chance keeps to the bounds", () => {
  expect(after("randomize", "randomize", 0.999999)).toMatchObject({ seed: 1000, kind: "c" })
})

test("a linked seed stays", () => {
  const start = workflow(graph([noise("increment", "fixed")], [link("7", "9", "1", { to: { node: "1", input: "seed" } })]))
  expect(afterRun(start, DEFINITIONS)).toEqual({ type: "batch", changes: [] })
})

test("numbers that stay are drawn anew once that is asked for, and what changes by itself is left as it is", () => {
  const drawn = (seed: string) => {
    const start = workflow(graph([noise(seed, "fixed")]))
    const { values } = graphOf(apply(start, drawSeeds(start, DEFINITIONS)).workflow, ROOT).nodes.get("1") ?? {}
    return [values?.[controlKey("seed")], values?.[controlKey("kind")]]
  }
  expect(drawn("fixed")).toEqual(["randomize", "fixed"])
  expect(drawn("increment")).toEqual(["increment", "fixed"])
})
