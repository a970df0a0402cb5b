/** Legacy group nodes, kept in a workflow's `extra`, opened into subgraphs before the file is read. */

import { isList, isObject, objects, textOf, type Json, type JsonObject } from "~/document/json"
import { WorkflowError } from "~/document/prompt/trouble"
import { asObject } from "~/document/schema/definition"
import { INPUTS, OUTPUTS } from "~/document/workflow"

/**
 * The root and the subgraphs, followed by one more subgraph for each use of a group node.
 *
 * The nodes inside are named by their index in the group. Throws WorkflowError for a group that contains itself.
 */
export function withGroupNodesOpened(root: JsonObject, subgraphs: readonly JsonObject[]): [JsonObject, ...JsonObject[]] {
  const groups = asObject(asObject(root["extra"])["groupNodes"])
  if (Object.keys(groups).length === 0) return [root, ...subgraphs]
  const opened: JsonObject[] = []
  let number = 0
  const waiting = [root, ...subgraphs].map((graph) => ({ graph, around: [] as string[] }))
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { graph, around } = next
    const nodes: Json[] = []
    for (const node of isList(graph["nodes"]) ? graph["nodes"] : []) {
      const name = groupName(node)
      const group = name === undefined ? undefined : groups[name]
      if (name === undefined || !isObject(group) || !isObject(node)) {
        nodes.push(node)
        continue
      }
      if (around.includes(name)) throw new WorkflowError(`Circular reference: the group node '${name}' contains itself.`)
      const id = `${textOf(node["type"])}#${number++}`
      waiting.push({ graph: openedAs(group, node, id, name), around: [...around, name] })
      nodes.push({ ...node, type: id })
    }
    opened.push({ ...graph, nodes })
  }
  const [first = root, ...others] = opened
  return [first, ...others]
}

export function groupName(node: Json): string | undefined {
  const type = isObject(node) ? node["type"] : undefined
  return typeof type === "string" && /^workflow[>/]/.test(type) ? type.slice("workflow>".length) : undefined
}

type Raw = Record<string, Json | undefined>

/** One group as the subgraph that this host uses; open slots become its own, in the order of the nodes. */
function openedAs(group: JsonObject, host: JsonObject, id: string, name: string): JsonObject {
  const nodes = objects(group["nodes"]).map((node, index) => ({
    ...node,
    id: index,
    inputs: objects(node["inputs"]).map((slot): Raw => ({ ...slot, link: null })),
  }))
  const links: JsonObject[] = []
  const link = (origin: Json, origin_slot: number, target: Json, target_slot: number): number => {
    links.push({ id: links.length, origin_id: origin, origin_slot, target_id: target, target_slot })
    return links.length - 1
  }
  const used = new Set<string>()
  for (const each of isList(group["links"]) ? group["links"] : []) {
    const [source, sourceSlot, target, targetSlot] = (isList(each) ? each : []).map((n) => (n === null ? null : Number(n)))
    if (typeof source !== "number" || sourceSlot == null || target == null || targetSlot == null) continue
    const input = nodes[target]?.inputs[targetSlot]
    if (input === undefined) continue
    input["link"] = link(source, sourceSlot, target, targetSlot)
    used.add(`${source} ${sourceSlot}`)
  }
  for (const each of isList(group["external"]) ? group["external"] : []) {
    if (isList(each)) used.delete(`${textOf(each[0])} ${textOf(each[1])}`)
  }
  const inputs: JsonObject[] = []
  const names = new HostNames(host)
  for (const { index, slot, shown } of visible(group, nodes, "input")) {
    const raw = nodes[index]?.inputs[slot]
    if (raw?.["link"] !== null) continue
    raw["link"] = link(Number(INPUTS), inputs.length, index, slot)
    inputs.push({ name: names.take(shown, raw["type"]), type: raw["type"] })
  }
  const outputs: JsonObject[] = []
  for (const { index, slot, shown } of visible(group, nodes, "output")) {
    if (used.has(`${index} ${slot}`)) continue
    const linkIds = [link(index, slot, Number(OUTPUTS), outputs.length)]
    outputs.push({ name: shown, type: objects(asObject(nodes[index])["outputs"])[slot]?.["type"], linkIds })
  }
  return { id, name, nodes, links, inputs, outputs }
}

/** The slots that the group does not hide: index of the node, of the slot, and the name it is shown by. */
function* visible(
  group: JsonObject,
  nodes: readonly JsonObject[],
  side: "input" | "output",
): Generator<{ index: number; slot: number; shown: string }> {
  const config = asObject(group["config"])
  for (const [index, node] of nodes.entries()) {
    const settings = asObject(asObject(config[String(index)])[side])
    for (const [slot, raw] of objects(node[`${side}s`]).entries()) {
      const name = typeof raw["name"] === "string" ? raw["name"] : ""
      const setting = asObject(settings[side === "output" ? String(slot) : name])
      if (setting["visible"] === false) continue
      yield { index, slot, shown: typeof setting["name"] === "string" && setting["name"] !== "" ? setting["name"] : name }
    }
  }
}

/** The names a host gives to the group's inputs: the same name where there is one, else the next of that type. */
class HostNames {
  private left: { name: string; type: Json | undefined }[]

  constructor(host: JsonObject) {
    this.left = objects(host["inputs"]).map((slot) => ({ name: textOf(slot["name"]), type: slot["type"] }))
  }

  take(name: string, type: Json | undefined): string {
    const found = this.left.find((each) => each.name === name) ?? this.left.find((each) => each.type === type)
    if (found === undefined) return name
    this.left = this.left.filter((each) => each !== found)
    return found.name
  }
}
