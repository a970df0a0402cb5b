/** A saved workflow joined with the definitions: what each node is, its slots as they are now, and its values. */

import type { Json } from "~/document/json"
import type { SavedGraph, SavedNode, SavedWorkflow, Slot, Source } from "~/document/prompt/saved"
import { outputsOf, type Definition, type Definitions } from "~/document/schema/definition"
import { MATCH, type Widget } from "~/document/schema/layout"
import { layOutSaved } from "~/document/schema/values"
import { isOfEditor } from "~/document/schema/special"
import { INPUTS } from "~/document/workflow"

/** A node ready for conversion. The inputs of a host are those of its subgraph, in the subgraph's order. */
export interface Fitted {
  readonly saved: SavedNode
  /** Executed, standing for a subgraph, decorating or passing on, or of a type that is not installed. */
  readonly kind: "step" | "host" | "editor-only" | "unknown"
  readonly title: string
  readonly inputs: readonly Slot[]
  readonly outputs: readonly Slot[]
  readonly widgets: readonly { readonly widget: Widget; readonly value: Json | undefined }[]
}

export interface Target {
  readonly node: Fitted
  readonly index: number
}

/** `targets`: where the edges from a source end, by `sourceKey`. */
export interface FittedGraph {
  readonly saved: SavedGraph
  readonly nodes: ReadonlyMap<string, Fitted>
  readonly targets: ReadonlyMap<string, { readonly source: Source; readonly ends: readonly Target[] }>
}

/** `promoted`: the inputs of subgraphs, by `promotedKey`, that end on a widget: their hosts have a widget too. */
export interface FittedWorkflow {
  readonly root: FittedGraph
  readonly subgraphs: ReadonlyMap<string, FittedGraph>
  readonly promoted: ReadonlySet<string>
}

export function sourceKey(source: Source): string {
  return `${source.node} ${source.slot}`
}

export function promotedKey(subgraph: string, index: number): string {
  return `${index} ${subgraph}`
}

/** Join a workflow with the definitions of its types. */
export function fit(workflow: SavedWorkflow, definitions: Definitions): FittedWorkflow {
  const subgraphs = new Map([...workflow.subgraphs].map(([id, each]) => [id, fitGraph(each, workflow, definitions)]))
  return { root: fitGraph(workflow.root, workflow, definitions), subgraphs, promoted: promotedIn(subgraphs) }
}

function fitGraph(graph: SavedGraph, workflow: SavedWorkflow, definitions: Definitions): FittedGraph {
  const nodes = new Map([...graph.nodes].map(([id, node]) => [id, fitNode(node, workflow, definitions)]))
  const targets = new Map<string, { source: Source; ends: Target[] }>()
  for (const node of nodes.values()) {
    for (const [index, { source }] of node.inputs.entries()) {
      if (source === undefined) continue
      const known = targets.get(sourceKey(source)) ?? { source, ends: [] }
      known.ends.push({ node, index })
      targets.set(sourceKey(source), known)
    }
  }
  return { saved: graph, nodes, targets }
}

function fitNode(node: SavedNode, workflow: SavedWorkflow, definitions: Definitions): Fitted {
  const subgraph = workflow.subgraphs.get(node.type)
  const definition = definitions[node.type]
  const plain = { saved: node, title: node.title ?? node.type, inputs: node.inputs, outputs: node.outputs, widgets: [] }
  if (subgraph !== undefined) {
    const inputs = hostInputs(node, subgraph)
    return { ...plain, kind: "host", title: node.title ?? subgraph.name, inputs, outputs: subgraph.outputs }
  }
  if (isOfEditor(node.type, definition)) return { ...plain, kind: "editor-only" }
  if (definition === undefined) return { ...plain, kind: "unknown" }
  const layout = layOutSaved(node, definition)
  return {
    saved: node,
    kind: "step",
    title: node.title ?? (definition.display_name || node.type),
    inputs: joinedInputs(node, layout.inputs),
    outputs: joinedOutputs(node, definition),
    widgets: layout.widgets,
  }
}

/**
 * The definition's slots with the file's links, then the slots that only the file has.
 *
 * Names join the two, never positions. A slot of a widget that the definition no longer has is dropped.
 */
function joinedInputs(node: SavedNode, fresh: readonly Slot[]): Slot[] {
  const saved = firstByName(node.inputs)
  const known = new Set(fresh.map((slot) => slot.name))
  const joined = fresh.map((slot) => ({ ...slot, source: saved.get(slot.name)?.source }))
  return [...joined, ...node.inputs.filter((slot) => !known.has(slot.name) && slot.widget === undefined)]
}

function firstByName(slots: readonly Slot[]): Map<string, Slot> {
  return new Map([...slots].reverse().map((slot) => [slot.name, slot]))
}

/** The definition's outputs; where they take their type from what is connected, the file knows it. */
function joinedOutputs(node: SavedNode, definition: Definition): Slot[] {
  const fresh: Slot[] = outputsOf(definition)
  const joined = fresh.map((slot, at) => (slot.type === MATCH ? (node.outputs[at] ?? slot) : slot))
  return [...joined, ...node.outputs.slice(fresh.length)]
}

/** The subgraph's inputs with the host's links, matched by name and type, then by name. */
function hostInputs(node: SavedNode, subgraph: SavedGraph): Slot[] {
  const byName = firstByName(node.inputs)
  return subgraph.inputs.map((slot) => {
    const exact = node.inputs.find((each) => each.name === slot.name && each.type === slot.type)
    return { ...slot, source: (exact ?? byName.get(slot.name))?.source }
  })
}

/** The inputs of subgraphs that end on a widget, and those that end on such an input of a host inside. */
function promotedIn(subgraphs: ReadonlyMap<string, FittedGraph>): Set<string> {
  const ending: string[] = []
  const before = new Map<string, string[]>()
  for (const [id, graph] of subgraphs) {
    for (const { source, ends } of graph.targets.values()) {
      if (source.node !== INPUTS) continue
      const own = promotedKey(id, source.slot)
      for (const { node, index } of ends) {
        if (node.kind === "host") {
          const inner = promotedKey(node.saved.type, index)
          before.set(inner, [...(before.get(inner) ?? []), own])
        } else if (node.inputs[index]?.widget !== undefined) ending.push(own)
      }
    }
  }
  const promoted = new Set<string>()
  for (let found = ending.pop(); found !== undefined; found = ending.pop()) {
    if (promoted.has(found)) continue
    promoted.add(found)
    ending.push(...(before.get(found) ?? []))
  }
  return promoted
}
