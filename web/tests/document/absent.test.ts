import { expect, test } from "vitest"
import { absentIn, likest } from "~/document/absent"
import type { Definitions } from "~/document/schema/definition"
import { graph, link, node, workflow } from "./made"

const definitions: Definitions = {
  Load: { display_name: "Load it", input: { required: { file: [["a.png", "b.png"], {}] } }, output: ["IMAGE"] },
  Blur: { input: { required: { image: ["IMAGE", {}], radius: ["INT", { default: 1 }] } }, output: ["IMAGE"] },
}
const loader = { type: "Load", inputs: [{ name: "file", type: "COMBO", widget: "file" }] }

test("types that are not installed are told once, and what the editor has of its own is not", () => {
  const inside = graph([node("9", { type: "Hidden" })], [], { id: "sub", name: "Inside" })
  const root = graph([node("1"), node("2", { type: "Gone" }), node("3", { type: "Gone" }), node("4", { type: "Note" }), node("5", { type: "sub" })])
  expect(absentIn(workflow(root, inside), definitions).types).toEqual(["Gone", "Hidden"])
})

test("a file that is not there is told with what is", () => {
  const root = graph([node("1", { ...loader, values: { file: "c.png" } }), node("2", { ...loader, values: { file: "a.png" } })])
  expect(absentIn(workflow(root), definitions)).toEqual({
    types: [],
    values: [{ graph: "root", node: "1", title: "Load it", key: "file", input: "file", value: "c.png", choices: ["a.png", "b.png"] }],
  })
})

test("what a link brings need not be there", () => {
  const root = graph(
    [node("1"), node("2", { ...loader, values: { file: "c.png" } })],
    [link("1", "1", "2", { to: { node: "2", input: "file" } })],
  )
  expect(absentIn(workflow(root), definitions).values).toEqual([])
})

test.each([
  ["sets/dream.safetensors", ["other.safetensors", "dream.safetensors"], "dream.safetensors"],
  ["Dream_v8.ckpt", ["photo.ckpt", "dream_v7.ckpt"], "dream_v7.ckpt"],
  ["a", [], undefined],
])("most like %s among %j is %s", (value, choices, best) => {
  expect(likest(value, choices)).toBe(best)
})
