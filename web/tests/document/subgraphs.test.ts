import { describe, expect, test } from "vitest"
import { apply } from "~/document/apply"
import { addInput, removeInput } from "~/document/edits/boundary"
import { renameInput } from "~/document/edits/boundary_names"
import { setWidget } from "~/document/edits/nodes"
import { makeSubgraph, unpackSubgraph } from "~/document/edits/subgraphs"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { objects, type JsonObject } from "~/document/json"
import { graphOf, ROOT } from "~/document/workflow"
import { told } from "./made"
import { DEFINITIONS, made, newId, prompt, start, steps } from "./twice"

describe("a subgraph made of a selection", () => {
  test("runs as before, under ids of its own", () => {
    const before = start()
    const { workflow, host } = made(before, ["2", "3"])
    expect(Object.keys(prompt(workflow)).sort()).toEqual(["1", "4", "5", `${host}:2`, `${host}:3`])
    expect(steps(prompt(workflow))).toEqual(steps(prompt(before)))
    const node = graphOf(workflow, ROOT).nodes.get(host)
    expect(node?.inputs.map((each) => each.name)).toEqual(["image"])
    expect(node?.outputs.map((each) => each.type)).toEqual(["IMAGE"])
  })

  test("is undone in one step", () => {
    const before = start()
    const result = made(before, ["2", "3"])
    expect(told(apply(result.workflow, apply(before, result.change).inverse).workflow)).toEqual(told(before))
  })

  test("unpacked gives the graph that it was made of", () => {
    const before = start()
    const { workflow, host } = made(before, ["2", "3"])
    const result = unpackSubgraph(workflow, ROOT, host)
    expect(result?.ids).toHaveLength(2)
    const after = apply(workflow, result?.change ?? { type: "batch", changes: [] }).workflow
    expect(after.graphs.size).toBe(1)
    expect(steps(prompt(after))).toEqual(steps(prompt(before)))
  })

  test("can be made inside of another, and runs as before", () => {
    const before = start()
    const outer = made(before, ["2", "3"])
    const type = graphOf(outer.workflow, ROOT).nodes.get(outer.host)?.type ?? ""
    const inner = makeSubgraph(outer.workflow, type, new Set(["3"]), "Inner", newId)
    const after = apply(outer.workflow, inner?.change ?? { type: "batch", changes: [] }).workflow
    expect(steps(prompt(after))).toEqual(steps(prompt(before)))
    expect(Object.keys(prompt(after))).toContain(`${outer.host}:${inner?.host ?? ""}:3`)
  })

  test("comes back from its file", () => {
    const { workflow } = made(start(), ["2", "3"])
    const file = writeWorkflow(workflow, DEFINITIONS)
    expect(objects((file["definitions"] as JsonObject)["subgraphs"])).toHaveLength(1)
    expect(steps(prompt(readWorkflow(file, DEFINITIONS)))).toEqual(steps(prompt(workflow)))
  })
})

describe("an input of a subgraph", () => {
  test("shows a widget inside, whose value is each host's own", () => {
    const { workflow, host } = made(start(), ["2", "3"])
    const type = graphOf(workflow, ROOT).nodes.get(host)?.type ?? ""
    const promoted = apply(workflow, addInput(workflow, type, { node: "3", input: "radius" }, newId())).workflow
    expect(prompt(promoted)[`${host}:3`]?.inputs["radius"]).toBe(9)
    const set = apply(promoted, setWidget(graphOf(promoted, ROOT), host, "radius", 77)).workflow
    expect(prompt(set)[`${host}:3`]?.inputs["radius"]).toBe(77)
    expect(prompt(readWorkflow(writeWorkflow(set, DEFINITIONS), DEFINITIONS))[`${host}:3`]?.inputs["radius"]).toBe(77)
    const unpacked = unpackSubgraph(set, ROOT, host)
    const flat = prompt(apply(set, unpacked?.change ?? { type: "batch", changes: [] }).workflow)
    expect(Object.values(flat).map((each) => each.inputs["radius"])).toContain(77)
  })

  test("keeps its links and values under another name", () => {
    const { workflow, host } = made(start(), ["2", "3"])
    const type = graphOf(workflow, ROOT).nodes.get(host)?.type ?? ""
    const renamed = apply(workflow, renameInput(workflow, type, 0, "picture")).workflow
    expect(graphOf(renamed, ROOT).nodes.get(host)?.inputs.map((each) => each.name)).toEqual(["picture"])
    expect(steps(prompt(renamed))).toEqual(steps(prompt(workflow)))
  })

  test("takes its links along when it goes, and those after it move up", () => {
    const { workflow, host } = made(start(), ["2", "3"])
    const type = graphOf(workflow, ROOT).nodes.get(host)?.type ?? ""
    const two = apply(workflow, addInput(workflow, type, { node: "3", input: "radius" }, newId())).workflow
    const change = removeInput(two, type, 0)
    const one = apply(two, change)
    expect(graphOf(one.workflow, type).inputs.map((each) => each.name)).toEqual(["radius"])
    expect(prompt(one.workflow)[`${host}:2`]?.inputs).not.toHaveProperty("image")
    expect(prompt(one.workflow)[`${host}:3`]?.inputs["radius"]).toBe(9)
    expect(told(apply(one.workflow, one.inverse).workflow)).toEqual(told(two))
  })
})
