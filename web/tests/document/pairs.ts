/** Workflows with the prompts that the ecosystem's editor makes of them: of the spec where it lies, else the references. */

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { isList, isObject, objects, readJson, textOf, type Json, type JsonObject } from "~/document/json"
import type { Definitions } from "~/document/schema/definition"
import { asObject } from "~/document/schema/definition"

const ROOT = fileURLToPath(new URL("../../../", import.meta.url))

/** The first of a few folders that is there. */
export function folderOf(spec: string, reference: string): string {
  const places = [`${ROOT}../shared/spec/${spec}`, `${ROOT}tests/references/${reference}`]
  return places.find((each) => existsSync(each)) ?? places[1] ?? ""
}

export interface Pair {
  readonly name: string
  readonly workflow: JsonObject
  readonly definitions: Definitions
  readonly prompt: JsonObject
  readonly raw: JsonObject
}

export function pairs(): Pair[] {
  const folder = folderOf("workflows", "workflow_pairs")
  const files = existsSync(folder) ? readdirSync(folder).filter((each) => each.endsWith(".json")) : []
  return files.sort().map((file) => {
    const raw = readJson(readFileSync(`${folder}/${file}`, "utf8")) as JsonObject
    return {
      name: file.replace(".json", ""),
      workflow: asObject(raw["workflow"] ?? raw["restored_workflow"]),
      definitions: raw["object_info"] as unknown as Definitions,
      prompt: asObject(raw["prompt"]),
      raw,
    }
  })
}

type Entry = Readonly<{ class_type: string; inputs: Readonly<Record<string, Json>> }>

/** What counts of a prompt: types and inputs, numbers as doubles; without the nodes named, and links to them. */
export function compared(prompt: unknown, pair: Pair, leaveOut: ReadonlySet<string> = new Set()): Record<string, Entry> {
  const ignored = new Set((isList(pair.raw["ignore_inputs"]) ? pair.raw["ignore_inputs"] : []).map((each) => JSON.stringify(each)))
  const kept = Object.entries(asObject(prompt)).filter(([id]) => !leaveOut.has(id))
  return Object.fromEntries(
    kept.map(([id, node]) => {
      const inputs = Object.entries(asObject(asObject(node)["inputs"])).filter(
        ([name, value]) =>
          !ignored.has(JSON.stringify([id, name])) && !(isList(value) && leaveOut.has(textOf(value[0]))),
      )
      const plainInputs = Object.fromEntries(inputs.map(([name, value]) => [name, plain(value ?? null)]))
      return [id, { class_type: textOf(asObject(node)["class_type"]), inputs: plainInputs }]
    }),
  )
}

function plain(value: Json): Json {
  if (typeof value === "bigint") return Number(value)
  if (isList(value)) return value.map(plain)
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each ?? null)]))
  return value
}

/** Each node as text, with what feeds it in the place of ids: what is equal up to renaming. */
export function fingerprints(prompt: Readonly<Record<string, Entry>>): string[] {
  const told = (id: string): string => {
    const node = prompt[id]
    const inputs = Object.entries(node?.inputs ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, isList(value) ? [told(textOf(value[0])), value[1]] : value])
    return JSON.stringify([node?.class_type, inputs])
  }
  return Object.keys(prompt).map(told).sort()
}

/** The nodes that outputs depend on. */
export function feedingOutputs(prompt: Readonly<Record<string, Entry>>, pair: Pair): Record<string, Entry> {
  const found: Record<string, Entry> = {}
  const waiting = Object.keys(prompt).filter((id) => pair.definitions[prompt[id]?.class_type ?? ""]?.output_node === true)
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const node = prompt[id]
    if (node === undefined || id in found) continue
    found[id] = node
    waiting.push(...Object.values(node.inputs).flatMap((value) => (isList(value) ? [textOf(value[0])] : [])))
  }
  return found
}

export function subgraphsOf(workflow: JsonObject): JsonObject[] {
  return objects(asObject(workflow["definitions"])["subgraphs"])
}

/** Whether a host below the root is muted or bypassed: the editor emits its inside, though nothing refers to it. */
export function hasSkippedHostInside(workflow: JsonObject): boolean {
  const hosts = new Set(subgraphsOf(workflow).map((each) => each["id"]))
  const nodes = subgraphsOf(workflow).flatMap((each) => objects(each["nodes"]))
  return nodes.some((node) => hosts.has(node["type"]) && (node["mode"] === 2 || node["mode"] === 4))
}

/** A copy in which the nodes of some types are muted. */
export function withMuted(workflow: JsonObject, types: ReadonlySet<string>): JsonObject {
  const muted = (graph: JsonObject): JsonObject => ({
    ...graph,
    nodes: objects(graph["nodes"]).map((node) => (types.has(textOf(node["type"])) ? { ...node, mode: 2 } : node)),
  })
  const definitions = workflow["definitions"]
  if (!isObject(definitions)) return muted(workflow)
  return { ...muted(workflow), definitions: { ...definitions, subgraphs: subgraphsOf(workflow).map(muted) } }
}

export function renamed(prompt: unknown, names: JsonObject): JsonObject {
  const name = (id: string): string => textOf(names[id]) || id
  const link = (value: Json | undefined): Json | undefined =>
    isList(value) ? [name(textOf(value[0])), ...value.slice(1)] : value
  return Object.fromEntries(
    Object.entries(asObject(prompt)).map(([id, node]) => {
      const inputs = Object.entries(asObject(asObject(node)["inputs"])).map(([key, value]) => [key, link(value)] as const)
      return [name(id), { ...asObject(node), inputs: Object.fromEntries(inputs) }]
    }),
  )
}
