/** A picture that is blurred twice and saved twice, for tests of subgraphs. */

import { apply } from "~/document/apply"
import type { Change } from "~/document/change"
import { makeSubgraph } from "~/document/edits/subgraphs"
import { readWorkflow } from "~/document/formats/read"
import { writeWorkflow } from "~/document/formats/write"
import { isList, textOf, type JsonObject } from "~/document/json"
import { promptOf, type Prompt } from "~/document/prompt/convert"
import type { Definitions } from "~/document/schema/definition"
import { ROOT, type Workflow } from "~/document/workflow"

export const DEFINITIONS: Definitions = {
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
export const newId = (): string => `00000000-0000-4000-8000-${String(++number).padStart(12, "0")}`
export const start = (): Workflow => readWorkflow(FILE, DEFINITIONS)
export const prompt = (workflow: Workflow): Prompt => promptOf(writeWorkflow(workflow, DEFINITIONS), DEFINITIONS)

/** What is run, whatever its ids: each node with what feeds it. */
export function steps(made: Prompt): string[] {
  const tell = (id: string): string => {
    const inputs = Object.entries(made[id]?.inputs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    return JSON.stringify([made[id]?.class_type, inputs.map(([name, value]) => [name, isList(value) ? tell(textOf(value[0])) : value])])
  }
  return Object.keys(made).map(tell).sort()
}

export function made(workflow: Workflow, ids: string[]): { workflow: Workflow; host: string; change: Change } {
  const result = makeSubgraph(workflow, ROOT, new Set(ids), "Twice", newId)
  if (result === null) throw new Error("nothing was made")
  return { workflow: apply(workflow, result.change).workflow, host: result.host, change: result.change }
}
