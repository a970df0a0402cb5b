import { describe, expect, test } from "vitest"
import { objects, sameJson, textOf, type JsonObject } from "~/document/json"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { hasOwnValues } from "~/document/schema/node_layout"
import { withoutKeys } from "~/document/formats/parts"
import { graphOf, ROOT } from "~/document/workflow"
import { expectSamePrompt } from "./same_prompt"
import { pairs, subgraphsOf } from "./pairs"

const all = pairs()

test("a primitive that drives nothing keeps what it holds", () => {
  const file = { version: 0.4, nodes: [{ id: 1, type: "PrimitiveNode", widgets_values: [5, "increment"] }], links: [] }
  expect(objects(writeWorkflow(readWorkflow(file, {}), {})["nodes"])[0]?.["widgets_values"]).toEqual([5, "increment"])
})

describe.skipIf(all.length === 0)("a workflow that was read and written", () => {
  test.each(all)("$name makes the same prompt", (pair) => {
    expectSamePrompt(pair, writeWorkflow(readWorkflow(pair.workflow, pair.definitions), pair.definitions))
  })

  test.each(all)("$name is read as it was", (pair) => {
    const once = readWorkflow(pair.workflow, pair.definitions)
    const written = writeWorkflow(once, pair.definitions)
    const again = readWorkflow(written, pair.definitions)
    expect(writeWorkflow(again, pair.definitions)).toEqual(written)
  })

  test.each(all)("$name keeps nodes of unknown types as they were", (pair) => {
    const written = writeWorkflow(readWorkflow(pair.workflow, pair.definitions), pair.definitions)
    const isUnknown = (node: JsonObject): boolean => {
      const type = textOf(node["type"])
      const isGroup = type.startsWith("workflow>") // it becomes a subgraph
      return !isGroup && !(type in pair.definitions) && !hasOwnValues(type) && !subgraphsOf(pair.workflow).some((each) => each["id"] === type)
    }
    const before = objects(pair.workflow["nodes"]).filter(isUnknown)
    for (const node of before) {
      const after = objects(written["nodes"]).find((each) => textOf(each["id"]) === textOf(node["id"]))
      const asked = ["widgets_values", "widgets_values_named", "properties", "title", "flags", "mode", "type"]
      for (const key of asked) expect(sameJson(after?.[key], node[key]), key).toBe(true)
      expect(after?.["inputs"]).toHaveLength(objects(node["inputs"]).length)
      expect(Object.keys(withoutKeys(node, ["pos", "size", "order", "inputs", "outputs"]))).toEqual(
        expect.arrayContaining(Object.keys(withoutKeys(after ?? {}, ["pos", "size", "order", "inputs", "outputs", "flags", "properties", "mode"]))),
      )
    }
  })
})

test("a file whose reroutes go round in a circle is read, and the circle is cut", () => {
  const file = {
    nodes: [{ id: 1, type: "A", outputs: [{ name: "x", type: "X", links: [1] }] }, { id: 2, type: "B", inputs: [{ name: "x", type: "X", link: 1 }] }],
    links: [[1, 1, 0, 2, 0, "X"]],
    extra: {
      reroutes: [{ id: 1, pos: [0, 0], parentId: 2 }, { id: 2, pos: [9, 9], parentId: 1 }],
      linkExtensions: [{ id: 1, parentId: 2 }],
    },
  }
  const { reroutes } = graphOf(readWorkflow(file, {}), ROOT)
  expect([...reroutes.values()].filter((each) => each.parent !== undefined)).toHaveLength(1)
})
