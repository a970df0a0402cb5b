import { describe, expect, test } from "vitest"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { isObject, objects, textOf, type JsonObject } from "~/document/json"
import { promptOf } from "~/document/prompt/convert"
import type { Definitions } from "~/document/schema/definition"
import { valueOf, widgetsOf } from "~/document/schema/node_layout"
import { graphOf, isHost, ROOT, type Workflow } from "~/document/workflow"
import { pairs } from "./pairs"

const all = pairs()

/** The widgets of each host of the root, with what they hold. */
function hostWidgets(workflow: Workflow, definitions: Definitions): Record<string, Record<string, unknown>> {
  const graph = graphOf(workflow, ROOT)
  const hosts = [...graph.nodes.values()].filter((node) => isHost(workflow, node))
  return Object.fromEntries(
    hosts.map((node) => {
      const widgets = widgetsOf({ workflow, graph, definitions }, node)
      return [node.id, Object.fromEntries(widgets.map((widget) => [widget.name, valueOf(node, widget)]))]
    }),
  )
}

describe.skipIf(all.length === 0)("a file whose hosts show widgets as older editors had it", () => {
  const named = (name: string) => {
    const pair = all.find((each) => each.name.startsWith(name))
    if (pair === undefined) throw new Error(`there is no ${name}`)
    return { ...pair, read: readWorkflow(pair.workflow, pair.definitions) }
  }

  test("shows them as inputs, with the values of the host", () => {
    const { read, definitions } = named("con_33")
    expect(hostWidgets(read, definitions)["10"]).toEqual({ seed: 909, steps: 17 })
    const further = named("con_55")
    expect(hostWidgets(further.read, further.definitions)["10"]).toEqual(expect.objectContaining({ seed: 123, cfg: 7.25 }))
  })

  test("shows what a primitive inside drives, and widgets of hosts deeper inside", () => {
    const { read, definitions } = named("tpl_video_wan_vace_inpainting")
    const widgets = hostWidgets(read, definitions)["306"] ?? {}
    expect(Object.keys(widgets).length).toBeGreaterThan(8)
    expect(widgets).toEqual(expect.objectContaining({ seed: expect.anything() as unknown, unet_name: expect.stringContaining("wan") as unknown }))
  })

  test.each(all.filter(({ workflow }) => JSON.stringify(workflow, plain).includes('"proxyWidgets":[[')))("$name says it in the present form from then on", (pair) => {
    const written = writeWorkflow(readWorkflow(pair.workflow, pair.definitions), pair.definitions)
    expect(JSON.stringify(written, plain)).not.toContain('"proxyWidgets":[[')
  })
})

function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value
}

const BLUR = { input: { required: { image: ["IMAGE"], radius: ["INT", { default: 1 }], seed: ["INT", { control_after_generate: true }] } }, output: ["IMAGE"] }
const SAVE = { input: { required: { images: ["IMAGE"] } }, output_node: true }

/** A group of two nodes in a row, used once. */
function grouped(host: JsonObject, config: JsonObject): JsonObject {
  const image = { name: "image", type: "IMAGE", link: null }
  const inner = (index: number, values: number[]) => ({
    ...{ type: "Blur", index, pos: [0, 0], size: [200, 80], inputs: [image], outputs: [{ name: "IMAGE", type: "IMAGE" }] },
    widgets_values: [...values, "fixed"],
  })
  const group = { nodes: [inner(0, [1, 10]), inner(1, [2, 20])], links: [[0, 0, 1, 0, 1, "IMAGE"]], external: [], config }
  return {
    version: 0.4,
    nodes: [
      { id: 1, type: "Load", outputs: [{ name: "IMAGE", type: "IMAGE", links: [1] }] },
      { id: 2, type: "workflow>Twice", inputs: [{ name: "image", type: "IMAGE", link: 1 }], outputs: [{ name: "IMAGE", type: "IMAGE", links: [2] }], ...host },
      { id: 3, type: "Save", inputs: [{ name: "images", type: "IMAGE", link: 2 }], outputs: [] },
    ],
    links: [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    extra: { groupNodes: { Twice: group } },
  }
}

const TYPES: Definitions = { Blur: BLUR, Save: SAVE, Load: { output: ["IMAGE"] } }

describe("a legacy group node", () => {
  test("becomes a subgraph whose host shows the widgets inside, and its own values for them", () => {
    const read = readWorkflow(grouped({ widgets_values: [5, 50, "fixed", 6, 60, "randomize"] }, {}), TYPES)
    expect(hostWidgets(read, TYPES)).toEqual({ 2: { radius: 5, seed: 50, radius_1: 6, seed_1: 60 } })
    expect(read.graphs.get(ROOT)?.rest["extra"]).toEqual({})
    const prompt = promptOf(writeWorkflow(read, TYPES), TYPES)
    expect(prompt["2:1"]?.inputs).toEqual({ image: ["2:0", 0], radius: 6, seed: 60 })
    expect(prompt["3"]?.inputs).toEqual({ images: ["2:1", 0] })
  })

  test("shows what its nodes hold where it holds nothing, and nothing that it hides", () => {
    const read = readWorkflow(grouped({}, { 1: { input: { seed: { visible: false } } } }), TYPES)
    expect(hostWidgets(read, TYPES)).toEqual({ 2: { radius: 1, seed: 10, radius_1: 2 } })
    expect(promptOf(writeWorkflow(read, TYPES), TYPES)["2:1"]?.inputs).toEqual({ image: ["2:0", 0], radius: 2, seed: 20 })
  })

  test("comes back as a subgraph from the file that was written", () => {
    const once = writeWorkflow(readWorkflow(grouped({}, {}), TYPES), TYPES)
    expect(writeWorkflow(readWorkflow(once, TYPES), TYPES)).toEqual(once)
    expect(objects(once["nodes"]).some((node) => textOf(node["type"]).startsWith("workflow"))).toBe(false)
  })
})

/** The file with only those inputs of widgets listed that are linked or renamed. */
function inShortStyle(file: JsonObject): JsonObject {
  const kept = (node: JsonObject) => objects(node["inputs"]).map((slot) => !isObject(slot["widget"]) || slot["link"] != null || "label" in slot)
  const short = (graph: JsonObject): JsonObject => {
    const places = new Map(objects(graph["nodes"]).map((node) => [textOf(node["id"]), kept(node)]))
    const place = (node: unknown, slot: unknown) => (places.get(textOf(node)) ?? []).slice(0, Number(slot)).filter(Boolean).length
    const isKnown = (node: unknown) => places.has(textOf(node))
    return {
      ...graph,
      nodes: objects(graph["nodes"]).map((node) => ({ ...node, inputs: objects(node["inputs"]).filter((_, at) => kept(node)[at]) })),
      links: (Array.isArray(graph["links"]) ? graph["links"] : []).map((link: unknown) => {
        if (Array.isArray(link)) return link.map((each: unknown, at) => (at === 4 && isKnown(link[3]) ? place(link[3], each) : each)) as never
        const { target_id: target, target_slot: slot } = link as JsonObject
        return isKnown(target) ? { ...(link as JsonObject), target_slot: place(target, slot) } : (link as JsonObject)
      }),
    }
  }
  const subgraphs = objects((file["definitions"] as JsonObject | undefined)?.["subgraphs"]).map(short)
  return { ...short(file), ...(subgraphs.length > 0 ? { definitions: { subgraphs } } : {}) }
}

describe.skipIf(all.length === 0)("a file that lists only linked inputs of widgets", () => {
  test.each(all.filter(({ workflow }) => objects((workflow["definitions"] as JsonObject | undefined)?.["subgraphs"]).length > 0))(
    "$name shows the same widgets on its hosts",
    ({ workflow, definitions }) => {
      const short = readWorkflow(inShortStyle(workflow), definitions)
      expect(hostWidgets(short, definitions)).toEqual(hostWidgets(readWorkflow(workflow, definitions), definitions))
    },
  )
})
