import { existsSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { drawGraph, type Drawing } from "~/document/picture/svg"
import { fitted, linesOf } from "~/document/picture/lines"
import { withText } from "~/document/formats/carriers/png"
import { openBytes } from "~/document/formats/open"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { writeJson } from "~/document/json"
import { graphOf, ROOT } from "~/document/workflow"
import { graph, link, node, workflow } from "./made"
import { folderOf, pairs } from "./pairs"

const look = { page: "#fff", surface: "#fff", raised: "#eee", line: "#ccc", text: "#000", faint: "#666" }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function drawingOf(whole: ReturnType<typeof workflow>, definitions = {}, id = ROOT): Drawing {
  return {
    place: { workflow: whole, graph: graphOf(whole, id), definitions },
    look,
    sizeOf: () => undefined,
    pictures: new Map(),
    titles: { inputs: "Inputs", outputs: "Outputs" },
    workflow: writeWorkflow(whole, definitions),
  }
}

const two = workflow(graph([node("1", { title: 'A < "B" & ]]>\u0001' }), node("2", { at: { x: 400, y: 50 } })], [link("1", "1", "2")]))

test("the picture has its nodes, and the link ends on their sockets", () => {
  const { svg, size } = drawGraph(drawingOf(two))
  expect(size).toEqual({ width: 400 + 200 + 80, height: 30 + 50 + 80 + 80 })
  expect(svg).toContain("A &lt; &quot;B&quot; &amp; ]]&gt;</text>")
  expect(svg).toContain('d="M200 12C300 12 300 62 400 62"')
})

test("what nodes made is drawn in them", () => {
  const { svg } = drawGraph({ ...drawingOf(two), pictures: new Map([["2", "data:image/png;base64,AA=="]]) })
  expect(svg).toMatch(/<image [^>]*href="data:image\/png;base64,AA=="/)
})

test("the SVG is opened as the workflow that it shows", () => {
  const opened = openBytes(bytes(drawGraph(drawingOf(two)).svg), {})
  expect(writeWorkflow(opened.workflow, {})).toEqual(writeWorkflow(two, {}))
})

const plain = `${folderOf("carriers", "carriers")}/carrier_png_plain.png`

test.skipIf(!existsSync(plain))("the PNG is opened as the workflow that was put into it", () => {
  const file = writeWorkflow(two, {})
  const made = withText(new Uint8Array(readFileSync(plain)), "workflow", writeJson({ ...file, extra: { told: "café 猫" } }))
  const { workflow: read } = openBytes(made, {})
  expect(writeWorkflow(read, {})["extra"]).toEqual({ told: "café 猫" })
})

describe.skipIf(pairs().length === 0)("every known workflow, and every subgraph in it, is drawn", () => {
  test.each(pairs())("$name", ({ workflow: file, definitions }) => {
    const whole = readWorkflow(file, definitions)
    for (const [id, each] of whole.graphs) {
      const { svg } = drawGraph(drawingOf(whole, definitions, id))
      const linked = [...each.links.values()].filter((one) => each.nodes.has(one.from.node) && each.nodes.has(one.to.node))
      expect(svg.match(/<path d="M[^"]*C/g)?.length ?? 0).toBeGreaterThanOrEqual(linked.length)
      expect(svg).not.toMatch(/NaN|undefined/)
    }
  })
})

test.each([
  ["one two three", 60, ["one two", "three"]],
  ["first\n\nthird", 200, ["first", "", "third"]],
  ["abcdefghijklmnop", 40, ["abcde", "fghijk", "lmnop"]],
])("%j breaks into lines", (text, width, lines) => {
  expect(linesOf(text, width, 13)).toEqual(lines)
})

test.each([
  ["short", 60, "short"],
  ["a long name of a file", 60, "a long n…"],
])("%j is cut to fit", (text, width, cut) => {
  expect(fitted(text, width, 13)).toBe(cut)
})
