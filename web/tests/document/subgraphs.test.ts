import { describe, expect, test } from "vitest"
import { apply } from "~/document/apply"
import type { Change } from "~/document/change"
import { addInput, removeInput, renameInput } from "~/document/edits/boundary"
import { setWidget } from "~/document/edits/nodes"
import { makeSubgraph, unpackSubgraph } from "~/document/edits/subgraphs"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { isList, objects, textOf, type JsonObject } from "~/document/json"
import { promptOf, type Prompt } from "~/document/prompt/convert"
import type { Definitions } from "~/document/schema/definition"
import { graphOf, ROOT, type Workflow } from "~/document/workflow"
import { told } from "./made"

const DEFINITIONS: Definitions = {
  Load: { input: { required: { file: [["a.png", "b.png"], {}] } }, output: ["IMAGE"], output_name: ["IMAGE"] },
  Blur: { input: { required: { image: ["IMAGE", {}], radius: ["INT", { default: 1 }] } }, output: ["IMAGE"], output_name: ["IMAGE"] },
  Save: { input: { required: { image: ["IMAGE", {}], name: ["STRING", {}] } }, output: [], output_node: true },
}

const FILE: JsonObject = {
  version: 0.4,
  nodes: [
    { id: 1, type: "Load", pos: [0, 0], inputs: [], outputs: [{ name: "IMAGE", type: "IMAGE" }], widgets_values: ["b.png"] },
    { id: 2, type: "Blur", pos: [300, 0], inputs: [{ name: "image", type: "IMAGE", link: 1 }], outputs: [{ name: "IMAGE", type: "IMAGE" }], widgets_values: [4] },
    { id: 3, type: "Blur", pos: [600, 0], inputs: [{ name: "image", type: "IMAGE", link: 2 }], outputs: [{ name: "IMAGE", type: "IMAGE" }], widgets_values: [9] },
    { id: 4, type: "Save", pos: [900, 0], inputs: [{ name: "image", type: "IMAGE", link: 3 }], outputs: [], widgets_values: ["x"] },
    { id: 5, type: "Save", pos: [900, 300], inputs: [{ name: "image", type: "IMAGE", link: 4 }], outputs: [], widgets_values: ["y"] },
  ],
  links: [
    [1, 1, 0, 2, 0, "IMAGE"],
    [2, 2, 0, 3, 0, "IMAGE"],
    [3, 3, 0, 4, 0, "IMAGE"],
    [4, 3, 0, 5, 0, "IMAGE"],
  ],
}

let number = 0
const newId = (): string => `00000000-0000-4000-8000-${String(++number).padStart(12, "0")}`
const start = (): Workflow => readWorkflow(FILE, DEFINITIONS)
const prompt = (workflow: Workflow): Prompt => promptOf(writeWorkflow(workflow, DEFINITIONS), DEFINITIONS)

/** What is run, whatever its ids: each node with what feeds it. */
function steps(made: Prompt): string[] {
  const tell = (id: string): string => {
    const inputs = Object.entries(made[id]?.inputs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    return JSON.stringify([made[id]?.class_type, inputs.map(([name, value]) => [name, isList(value) ? tell(textOf(value[0])) : value])])
  }
  return Object.keys(made).map(tell).sort()
}

function made(workflow: Workflow, ids: string[]): { workflow: Workflow; host: string; change: Change } {
  const result = makeSubgraph(workflow, ROOT, new Set(ids), "Twice", newId)
  if (result === null) throw new Error("nothing was made")
  return { workflow: apply(workflow, result.change).workflow, host: result.host, change: result.change }
}

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
