/** Legacy group nodes become subgraphs when their file is read, and what their nodes had to type is shown by the hosts. */

import { apply } from "~/document/apply"
import { addInput } from "~/document/edits/boundary"
import { withoutKeys } from "~/document/formats/parts"
import { newUuid } from "~/document/ids"
import { isList, objects, textOf, type Json, type JsonObject } from "~/document/json"
import { linkInto } from "~/document/links"
import { withGroupNodesOpened } from "~/document/prompt/group_nodes"
import { definitionsIn } from "~/document/prompt/saved"
import { asObject, type Definitions } from "~/document/schema/definition"
import { widgetsOf } from "~/document/schema/node_layout"
import { graphOf, INPUTS, ROOT, type GraphId, type NodeId, type Workflow } from "~/document/workflow"

/** A host that was a group node. */
interface Opened {
  readonly graph: GraphId
  readonly host: NodeId
  readonly subgraph: GraphId
  /** What the group says of the slots of each of its nodes. */
  readonly config: JsonObject
  readonly held: readonly Json[]
}

export interface WithoutGroups {
  readonly root: JsonObject
  readonly subgraphs: readonly JsonObject[]
  readonly opened: readonly Opened[]
}

/** The root and all subgraphs of a file, with a subgraph for each use of a group node. */
export function withoutGroupNodes(raw: JsonObject): WithoutGroups {
  const known = definitionsIn(raw)
  const [root, ...subgraphs] = withGroupNodesOpened(raw, known)
  const groups = asObject(asObject(raw["extra"])["groupNodes"])
  const ids = new Map(subgraphs.slice(known.length).map((each) => [textOf(each["id"]), newUuid()]))
  if (ids.size === 0) return { root, subgraphs, opened: [] }
  const opened: Opened[] = []
  const named = (graph: JsonObject, id: GraphId): JsonObject => ({
    ...graph,
    nodes: objects(graph["nodes"]).map((node) => {
      const group = textOf(node["type"])
      const subgraph = ids.get(group)
      if (subgraph === undefined) return node
      const config = asObject(asObject(groups[group.slice("workflow>".length).replace(/#\d+$/, "")])["config"])
      const held = node["widgets_values"]
      opened.push({ graph: id, host: textOf(node["id"]), subgraph, config, held: isList(held) ? held : [] })
      return { ...node, type: subgraph }
    }),
  })
  const others = subgraphs.map((each) => {
    const id = ids.get(textOf(each["id"])) ?? textOf(each["id"])
    return named({ ...each, id }, id)
  })
  const used = new Set(subgraphs.slice(known.length).map((each) => textOf(each["name"])))
  const left = Object.fromEntries(Object.entries(groups).filter(([name]) => !used.has(name)))
  const rest = withoutKeys(asObject(root["extra"]), ["groupNodes"])
  const extra = Object.keys(left).length > 0 ? { ...rest, groupNodes: left } : rest
  return { root: named({ ...root, extra }, ROOT), subgraphs: others, opened }
}

/** Have the hosts show each widget inside that is free and not hidden, with the values that they hold for these. */
export function withGroupWidgetsShown(workflow: Workflow, definitions: Definitions, opened: readonly Opened[]): Workflow {
  return opened.reduce((whole, each) => shown(whole, definitions, each), workflow)
}

function shown(before: Workflow, definitions: Definitions, { graph, host, subgraph, config, held }: Opened): Workflow {
  let workflow = before
  const inputs: (string | null)[] = [] // by the places of saved values; null: of what is asked after each run
  for (const id of graphOf(workflow, subgraph).nodes.keys()) {
    const settings = asObject(asObject(config[id])["input"])
    const node = graphOf(workflow, subgraph).nodes.get(id)
    if (node === undefined) continue
    for (const widget of widgetsOf({ workflow, graph: graphOf(workflow, subgraph), definitions }, node).filter((each) => each.isSaved)) {
      const ruled = widget.controls ?? widget.name
      const input = node.inputs.find((each) => each.widget === ruled)
      const link = input && linkInto(graphOf(workflow, subgraph), id, input.name)
      const isHidden = asObject(settings[ruled])["visible"] === false
      if (input === undefined || isHidden || (link !== undefined && link.from.node !== INPUTS)) continue
      if (widget.controls !== undefined) inputs.push(null)
      else if (link !== undefined) inputs.push(graphOf(workflow, subgraph).inputs[link.from.output]?.name ?? null)
      else {
        workflow = apply(workflow, addInput(workflow, subgraph, { node: id, input: input.name }, newUuid())).workflow
        inputs.push(graphOf(workflow, subgraph).inputs.at(-1)?.name ?? null)
      }
    }
  }
  const names = [inputs, inputs.filter((each) => each !== null)].find((each) => each.length === held.length)
  if (names === undefined || held.length === 0) return workflow
  const pairs = names.flatMap((name, at) => (name === null || held[at] == null ? [] : [[name, held[at]] as const]))
  return apply(workflow, { type: "edit-node", graph, id: host, set: { values: Object.fromEntries(pairs) } }).workflow
}
