import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import type { Change } from "~/document/change"
import { addInput, addOutput, removeOutput } from "~/document/edits/boundary"
import { renameInput, renameOutput, retitle } from "~/document/edits/boundary_names"
import { moveInput, moveOutput } from "~/document/edits/boundary_order"
import { setWidget } from "~/document/edits/nodes"
import { demote, promote } from "~/document/edits/promote"
import { removeSelected } from "~/document/edits/selection"
import { makeSubgraph } from "~/document/edits/subgraphs"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { graphOf, ROOT, type Workflow } from "~/document/workflow"
import { told } from "./made"
import { DEFINITIONS, made, newId, prompt, start, steps } from "./twice"

const { workflow: plain, host } = made(start(), ["2", "3"])
const type = graphOf(plain, ROOT).nodes.get(host)?.type ?? ""
const then = (whole: Workflow, change: Change | null) => apply(whole, change ?? { type: "batch", changes: [] }).workflow
const withRadius = then(plain, addInput(plain, type, { node: "3", input: "radius" }, newId()))
const both = then(withRadius, addOutput(withRadius, type, { node: "2", output: 0 }, newId()))
const inputs = (whole: Workflow) => graphOf(whole, ROOT).nodes.get(host)?.inputs.map((each) => each.name)
const outputs = (whole: Workflow) => graphOf(whole, ROOT).nodes.get(host)?.outputs.map((each) => each.name)

test.each<[string, (whole: Workflow) => Change]>([
  ["another order of inputs", (whole) => moveInput(whole, type, 0, 1)],
  ["another order of outputs", (whole) => moveOutput(whole, type, 1, 0)],
  ["another name of an input", (whole) => renameInput(whole, type, 1, "how far")],
  ["another name of an output", (whole) => renameOutput(whole, type, 0, "result")],
  ["another name of the subgraph", (whole) => retitle(whole, graphOf(whole, ROOT), graphOf(whole, ROOT).nodes.get(host) ?? never(), "Softer")],
])("%s runs the same, comes back from its file, and is undone", (_, change) => {
  const done = apply(both, change(both))
  expect(told(done.workflow)).not.toEqual(told(both))
  expect(steps(prompt(done.workflow))).toEqual(steps(prompt(both)))
  expect(steps(prompt(readWorkflow(writeWorkflow(done.workflow, DEFINITIONS), DEFINITIONS)))).toEqual(steps(prompt(both)))
  expect(told(apply(done.workflow, done.inverse).workflow)).toEqual(told(both))
})

test("the host shows the order and the names", () => {
  expect(inputs(then(both, moveInput(both, type, 1, 0)))).toEqual(["radius", "image"])
  expect(outputs(both)).toEqual(["IMAGE", "IMAGE_1"])
  expect(outputs(then(both, renameOutput(both, type, 1, "IMAGE")))).toEqual(["IMAGE", "IMAGE_2"])
  expect(outputs(then(both, removeOutput(both, type, 0)))).toEqual(["IMAGE_1"])
})

test("the title of the only host names the subgraph, that of one of two itself", () => {
  const title = (whole: Workflow) => retitle(whole, graphOf(whole, ROOT), graphOf(whole, ROOT).nodes.get(host) ?? never(), "Softer")
  expect(graphOf(then(plain, title(plain)), type).name).toBe("Softer")
  const twin = { ...(graphOf(plain, ROOT).nodes.get(host) ?? never()), id: "99" }
  const two = then(plain, { type: "add-node", graph: ROOT, node: twin })
  const named = then(two, title(two))
  expect([graphOf(named, type).name, graphOf(named, ROOT).nodes.get(host)?.title]).toEqual(["Twice", "Softer"])
})

test("a widget is shown on the host and taken back with what the host said of it", () => {
  const to = { node: "3", input: "radius" }
  const shown = then(plain, promote(plain, graphOf(plain, type), { to }, newId))
  expect(promote(shown, graphOf(shown, type), { to }, newId)).toBeNull()
  const set = then(shown, setWidget(graphOf(shown, ROOT), host, "radius", 77))
  for (const place of [{ graph: type, end: { to } }, { graph: ROOT, end: { to: { node: host, input: "radius" } } }]) {
    const back = then(set, demote(set, graphOf(set, place.graph), place.end))
    expect(inputs(back)).toEqual(["image"])
    expect(prompt(back)[`${host}:3`]?.inputs["radius"]).toBe(77)
  }
})

test("what is shown of a subgraph in another goes further out", () => {
  const nested = makeSubgraph(plain, type, new Set(["3"]), "Inner", newId) ?? never()
  let now = then(plain, nested.change)
  const inner = graphOf(now, type).nodes.get(nested.host)?.type ?? ""
  now = then(now, promote(now, graphOf(now, inner), { to: { node: "3", input: "radius" } }, newId))
  now = then(now, promote(now, graphOf(now, type), { to: { node: nested.host, input: "radius" } }, newId))
  expect(inputs(now)).toEqual(["image", "radius"])
  const set = then(now, setWidget(graphOf(now, ROOT), host, "radius", 5))
  expect(prompt(set)[`${host}:${nested.host}:3`]?.inputs["radius"]).toBe(5)
  const back = then(set, demote(set, graphOf(set, ROOT), { to: { node: host, input: "radius" } }))
  expect(prompt(back)[`${host}:${nested.host}:3`]?.inputs["radius"]).toBe(5)
})

test("several inputs and outputs go at once", () => {
  const graph = graphOf(both, type)
  const chosen = new Set([...graph.inputs.map((each) => `input:${each.id}`), `output:${graph.outputs[0]?.id ?? ""}`])
  const done = apply(both, removeSelected(both, graph, chosen))
  expect([inputs(done.workflow), outputs(done.workflow)]).toEqual([[], ["IMAGE_1"]])
  expect(told(apply(done.workflow, done.inverse).workflow)).toEqual(told(both))
})

function never(): never {
  throw new Error("it is there")
}
