import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { connect, insertOnLink, reconnect } from "~/document/edits/connect"
import { changeWidget, regrown } from "~/document/edits/reshape"
import type { Change } from "~/document/change"
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

const then = (whole: Workflow, change: Change) => apply(whole, regrown(place(whole), change)).workflow
const root = (whole: Workflow) => graphOf(whole, ROOT)
const from = { node: "1", output: 0 }
const row = (number: number) => ({ node: "9", input: `images.image${number}` })

test("a group has an empty row as long as it may, and gives up rows that are left empty", () => {
  let now = workflow(graph([node("1"), fresh("Batch")]))
  expect(names(now)).toEqual(["images.image0", "images.image1", "size"])
  now = then(now, connect(root(now), from, row(1)))
  expect(names(now)).toEqual(["images.image0", "images.image1", "images.image2", "size"])
  now = then(now, connect(root(now), from, row(2)))
  expect(names(now)).toEqual(["images.image0", "images.image1", "images.image2", "size"])
  for (const id of root(now).links.keys()) now = then(now, { type: "disconnect", graph: ROOT, id })
  expect(names(now)).toEqual(["images.image0", "images.image1", "size"])
})

test("rows follow links that are moved, that go with a node, and into which a node is put", () => {
  const start = workflow(graph([node("1"), node("2"), node("3"), fresh("Batch")], [link("7", "1", "2")]))
  const moved = then(start, reconnect(root(start), link("7", "1", "2"), { to: row(1) }))
  expect(names(moved)).toContain("images.image2")
  const [only] = root(moved).links.values()
  const inserted = then(moved, (only && insertOnLink(root(moved), only, node("3"))) ?? { type: "batch", changes: [] })
  expect(names(inserted)).toContain("images.image2")
  const gone = then(inserted, { type: "remove-node", graph: ROOT, id: "3" })
  expect(names(gone)).not.toContain("images.image2")
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
