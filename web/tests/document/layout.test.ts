import { existsSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import type { Definition, Definitions } from "~/document/schema/definition"
import { controlKey, layOut } from "~/document/schema/layout"
import { savedValues, valueOf, widgetsOf } from "~/document/schema/node_layout"
import { nodeOfType } from "~/document/schema/template"
import { emptyWorkflow, ROOT } from "~/document/workflow"
import type { Json } from "~/document/json"
import { graph, node, workflow } from "./made"

const spec = new URL("../../../../shared/spec/", import.meta.url)
const isThere = existsSync(new URL("widget-layout.json", spec))

// The editor counts the buttons and previews of these as sent; no node reads them, so they stay out of our prompts.
const SENT_FOR_NOTHING = new Set(["Load3D", "LoadImageOutput", "Preview3D", "SaveGLB", "WebcamCapture", "ImageCompare"])

interface Wanted {
  readonly widgets: readonly [string, string, 0 | 1, 0 | 1][]
  readonly inputs: readonly [string, string, 0 | 1][]
}

describe.skipIf(!isThere)("every type of the spec", () => {
  test("has the widgets and sockets that the editor gives it", () => {
    const read = (name: string) => JSON.parse(readFileSync(new URL(name, spec), "utf8")) as unknown
    const definitions = read("object_info.json") as Definitions
    const { nodes } = read("widget-layout.json") as { nodes: Readonly<Record<string, Wanted>> }
    const known = Object.keys(nodes).filter((type) => type in definitions && !SENT_FOR_NOTHING.has(type))
    expect(known.length).toBeGreaterThan(300)
    for (const type of known) {
      const layout = layOut(type, definitions[type] ?? {})
      const widgets = layout.widgets.map(({ widget }) => [widget.name, widget.isSaved ? 1 : 0, widget.isSent ? 1 : 0])
      expect(widgets, type).toEqual(nodes[type]?.widgets.map(([name, , saved, sent]) => [name, saved, sent]))
      const inputs = layout.inputs.map((each) => [each.name, each.type, each.widget === undefined ? 0 : 1])
      expect(inputs, type).toEqual(nodes[type]?.inputs)
    }
  })
})

const RESIZE: Definition = {
  input: {
    required: {
      image: ["IMAGE", {}],
      how: [
        "COMFY_DYNAMICCOMBO_V3",
        { options: [{ key: "by size", inputs: { required: { width: ["INT", { default: 64 }] } } }, { key: "by factor", inputs: { required: { factor: ["FLOAT", { default: 2 }] } } }] },
      ],
      seed: ["INT", {}],
      other_seed: ["INT", { control_after_generate: true }],
    },
  },
  output: ["IMAGE"],
}

test("two controls of one node are kept apart", () => {
  const node = nodeOfType("Resize", RESIZE, "1", { x: 0, y: 0 })
  expect(node.values).toMatchObject({ [controlKey("seed")]: "randomize", [controlKey("other_seed")]: "randomize" })
})

test("what a dynamic choice asks for follows what it holds", () => {
  const node = nodeOfType("Resize", RESIZE, "1", { x: 0, y: 0 })
  const place = { workflow: emptyWorkflow(), graph: graph([node]), definitions: { Resize: RESIZE } }
  const names = (held: string) => {
    const changed = { ...node, values: { ...node.values, how: held } }
    const widgets = widgetsOf(place, changed)
    return [widgets.map((each) => each.name), savedValues(changed, widgets)]
  }
  expect(names("by size")[0]).toEqual(["how", "how.width", "seed", "control_after_generate", "other_seed", "control_after_generate"])
  expect(names("by factor")).toEqual([
    ["how", "how.factor", "seed", "control_after_generate", "other_seed", "control_after_generate"],
    ["by factor", 2, 0, "randomize", 0, "randomize"],
  ])
})

test("a widget that holds nothing of its own holds its default", () => {
  const node = { ...nodeOfType("Resize", RESIZE, "1", { x: 0, y: 0 }), values: {} }
  const place = { workflow: { graphs: new Map([[ROOT, graph([node])]]) }, graph: graph([node]), definitions: { Resize: RESIZE } }
  expect(widgetsOf(place, node).map((each) => valueOf(node, each))).toEqual(["by size", 64, 0, "randomize", 0, "randomize"])
})

test("what a file says of the look of a primitive's number goes before what its type says", () => {
  const definitions = { PrimitiveInt: { input: { required: { value: ["INT", { min: -9, max: 9 }] } } } }
  const look = (properties: Record<string, Json>) => {
    const made = node("1", { type: "PrimitiveInt", values: { value: 3 }, properties })
    const root = graph([made])
    return widgetsOf({ workflow: workflow(root), graph: root, definitions }, made)[0]?.options
  }
  expect(look({ min: 0, max: 5, display: "slider", precision: 0 })).toEqual({ min: 0, max: 5, display: "slider" })
  expect(look({})).toEqual({ min: -9, max: 9 })
})
