import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { changeWidget, connectGrowing, disconnectShrinking } from "~/document/edits/reshape"
import type { Definitions } from "~/document/schema/definition"
import { nodeOfType } from "~/document/schema/template"
import { graphOf, ROOT, type Workflow } from "~/document/workflow"
import { graph, link, node, told, workflow } from "./made"

const DEFINITIONS: Definitions = {
  Batch: {
    input: { required: { images: ["COMFY_AUTOGROW_V3", { template: { input: { required: { image: ["IMAGE", {}] } }, prefix: "image", min: 1, max: 3 } }], size: ["INT", {}] } },
    output: ["IMAGE"],
  },
  Resize: {
    input: {
      required: {
        how: [
          "COMFY_DYNAMICCOMBO_V3",
          { options: [{ key: "like", inputs: { required: { other: ["IMAGE", {}] } } }, { key: "size", inputs: { required: { width: ["INT", {}] } } }] },
        ],
      },
    },
    output: ["IMAGE"],
  },
}
const fresh = (type: string) => nodeOfType(type, DEFINITIONS[type] ?? {}, "9", { x: 0, y: 0 })
const place = (whole: Workflow) => ({ workflow: whole, graph: graphOf(whole, ROOT), definitions: DEFINITIONS })
const names = (whole: Workflow) => graphOf(whole, ROOT).nodes.get("9")?.inputs.map((each) => each.name)

test("a group has an empty row as long as it may, and gives up rows that are left empty", () => {
  let now = workflow(graph([node("1"), fresh("Batch")]))
  expect(names(now)).toEqual(["images.image0", "images.image1", "size"])
  const from = { node: "1", output: 0 }
  now = apply(now, connectGrowing(place(now), from, { node: "9", input: "images.image1" })).workflow
  expect(names(now)).toEqual(["images.image0", "images.image1", "images.image2", "size"])
  now = apply(now, connectGrowing(place(now), from, { node: "9", input: "images.image2" })).workflow
  expect(names(now)).toEqual(["images.image0", "images.image1", "images.image2", "size"])
  const [first, second] = [...graphOf(now, ROOT).links.keys()]
  now = apply(now, disconnectShrinking(place(now), second ?? "")).workflow
  now = apply(now, disconnectShrinking(place(now), first ?? "")).workflow
  expect(names(now)).toEqual(["images.image0", "images.image1", "size"])
})

test("another choice brings its own inputs, takes links of the old ones along, and is undone whole", () => {
  const start = workflow(graph([node("1"), fresh("Resize")], [link("7", "1", "9", { to: { node: "9", input: "how.other" } })]))
  expect(names(start)).toEqual(["how.other", "how"])
  const change = changeWidget(place(start), fresh("Resize"), "how", "size")
  const { workflow: done, inverse } = apply(start, change)
  expect(names(done)).toEqual(["how.width", "how"])
  expect(graphOf(done, ROOT).links.size).toBe(0)
  expect(told(apply(done, inverse).workflow)).toEqual(told(start))
})
