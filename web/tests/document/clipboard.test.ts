import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { copyText, pasteText } from "~/document/clipboard"
import { writeWorkflow } from "~/document/formats/write"
import { readWorkflow } from "~/document/formats/read"
import { promptOf } from "~/document/prompt/convert"
import { emptyWorkflow, graphOf, ROOT } from "~/document/workflow"
import { graph, link, node, workflow } from "./made"
import { pairs } from "./pairs"

test("a copy lies where it is put, with its inner links and new ids", () => {
  const start = workflow(graph([node("1"), node("2", { at: { x: 50, y: 20 } }), node("3")], [link("7", "1", "2"), link("8", "2", "3")]))
  const text = copyText(start, ROOT, new Set(["1", "2"]), {})
  const pasted = pasteText(start, ROOT, text, { x: 1000, y: 500 }, {})
  expect(pasted?.ids).toEqual(["4", "5"])
  const after = graphOf(apply(start, pasted?.change ?? { type: "batch", changes: [] }).workflow, ROOT)
  expect(after.nodes.get("4")?.at).toEqual({ x: 1000, y: 500 })
  expect(after.nodes.get("5")?.at).toEqual({ x: 1050, y: 520 })
  expect([...after.links.values()].map((each) => [each.from.node, each.to.node])).toEqual([
    ["1", "2"],
    ["2", "3"],
    ["4", "5"],
  ])
})

test("a copy is fed by what fed the copied where that is asked for, and there", () => {
  const start = workflow(graph([node("1"), node("2"), node("3")], [link("7", "1", "2"), link("8", "2", "3")]))
  const text = copyText(start, ROOT, new Set(["2", "3"]), {})
  const fed = (whole: typeof start) => {
    const pasted = pasteText(whole, ROOT, text, null, {}, true)
    return [...graphOf(apply(whole, pasted?.change ?? { type: "batch", changes: [] }).workflow, ROOT).links.values()].map((each) => [each.from.node, each.to.node])
  }
  expect(fed(start)).toEqual([["1", "2"], ["2", "3"], ["4", "5"], ["1", "4"]])
  expect(fed(workflow(graph([node("1", { type: "Other" })])))).toEqual([["2", "3"]])
})

test("other texts are no copies", () => {
  expect(pasteText(emptyWorkflow(), ROOT, "a poem", null, {})).toBeNull()
  expect(pasteText(emptyWorkflow(), ROOT, '{"heddle/clipboard": 3', null, {})).toBeNull()
})

test.skipIf(pairs().length === 0)("a whole workflow, with its subgraphs, is copied into an empty window and runs the same", () => {
  const pair = pairs().find((each) => each.name === "con_39_subgraph_nested")
  if (pair === undefined) throw new Error("the pair is not there")
  const start = readWorkflow(pair.workflow, pair.definitions)
  const text = copyText(start, ROOT, new Set(graphOf(start, ROOT).nodes.keys()), pair.definitions)
  const pasted = pasteText(emptyWorkflow(), ROOT, text, null, pair.definitions)
  const other = apply(emptyWorkflow(), pasted?.change ?? { type: "batch", changes: [] }).workflow
  const told = (whole: typeof start) =>
    Object.values(promptOf(writeWorkflow(whole, pair.definitions), pair.definitions)).map((each) => each.class_type).sort()
  expect(told(other)).toEqual(told(start))
})
