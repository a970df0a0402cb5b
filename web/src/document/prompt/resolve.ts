/** Where an input's value really comes from: through subgraphs, reroutes, set and get pairs and bypassed nodes. */

import { isList, type Json } from "~/document/json"
import type { Fitted } from "~/document/prompt/fit"
import { isBypassed, isMuted, type Slot, type Source } from "~/document/prompt/saved"
import { executionIdOf, outwards, type Scope } from "~/document/prompt/scopes"
import type { Settings } from "~/document/prompt/settings"
import { WorkflowError } from "~/document/prompt/trouble"
import { GETTER, PRIMITIVE, SETTER } from "~/document/schema/special"
import { areCompatible } from "~/document/schema/types"
import { ANY, INPUTS } from "~/document/workflow"

export type Found =
  /** An output of a node that is executed, or would be if its type were installed. */
  | { readonly is: "step"; readonly id: string; readonly slot: number }
  /** A value that a host holds for the inside of its subgraph. */
  | { readonly is: "constant"; readonly value: Json }

/** An edge on the way back: what feeds it, in which scope, and the type its consumer takes. */
interface Edge {
  readonly is: "edge"
  readonly scope: Scope
  readonly source: Source
  readonly wanted: string
}

/** Follow an input to what feeds it; undefined where nothing does. Throws WorkflowError for a loop. */
export function resolve(scope: Scope, node: Fitted, slot: Slot, settings: Settings): Found | undefined {
  let found: Edge | Found | undefined = edgeInto(scope, slot)
  const seen = new Set<string>()
  while (found?.is === "edge") {
    const place = `${found.scope.path.join(":")}/${found.source.node}/${found.source.slot}`
    if (seen.has(place)) {
      const where = executionIdOf(scope, node)
      throw new WorkflowError(`Circular reference: what feeds '${slot.name}' of node ${where} leads back to itself.`)
    }
    seen.add(place)
    found = stepBack(found, settings)
  }
  return found
}

function stepBack({ scope, source, wanted }: Edge, settings: Settings): Edge | Found | undefined {
  if (source.node === INPUTS) return outOfSubgraph(scope, source.slot, settings)
  const origin = scope.graph.nodes.get(source.node)
  if (origin === undefined || isMuted(origin.saved)) return undefined
  if (isBypassed(origin.saved)) return edgeInto(scope, bypassedInput(origin, source.slot, wanted))
  if (origin.kind === "host") {
    const inner = scope.inner.get(origin.saved.id)
    return inner && edgeInto(inner, origin.outputs[source.slot], wanted)
  }
  if (origin.kind === "editor-only") {
    if (origin.saved.type === GETTER) return edgeToSetter(scope, origin, wanted)
    return edgeInto(scope, origin.inputs[source.slot], wanted)
  }
  return { is: "step", id: executionIdOf(scope, origin), slot: source.slot }
}

/** The edge that ends on a slot. The slot's own type is wanted, unless a consumer's is carried on through it. */
function edgeInto(scope: Scope, slot: Slot | undefined, wanted?: string): Edge | undefined {
  return slot?.source && { is: "edge", scope, source: slot.source, wanted: wanted ?? slot.type }
}

/** From an input of a subgraph to what feeds its host, or to what the host holds where nothing is linked. */
function outOfSubgraph(scope: Scope, index: number, settings: Settings): Edge | Found | undefined {
  if (scope.host !== undefined && scope.parent !== undefined) {
    const slot = scope.host.inputs[index]
    if (slot?.source !== undefined && !isPrimitive(scope.parent, slot.source)) return edgeInto(scope.parent, slot)
  }
  const value = settings.ofHost(scope, index)
  return value === undefined ? undefined : { is: "constant", value }
}

interface Slotted {
  readonly inputs: readonly Slot[]
  readonly outputs: readonly Slot[]
}

/**
 * The input that a bypassed node hands on as one of its outputs, linked or not.
 *
 * A consumer of any type gets the input of the same index, else the first. Others get the input of the same index
 * if it suits both the output and the consumer, else the first of exactly the wanted type, else the first that suits.
 */
export function bypassedInput(node: Slotted, output: number, wanted: string): Slot | undefined {
  const { inputs } = node
  if (wanted === ANY) return inputs[output] ?? inputs[0]
  const given = node.outputs[output]?.type ?? ANY
  const suits = (slot: Slot): boolean => areCompatible(slot.type, given) && areCompatible(slot.type, wanted)
  const same = inputs[output]
  if (same !== undefined && suits(same)) return same
  return inputs.find((slot) => slot.type === wanted) ?? inputs.find(suits)
}

/** Primitives are no sources: they have written their value into the widgets they are linked to. */
function isPrimitive(scope: Scope, source: Source): boolean {
  return source.node !== INPUTS && scope.graph.nodes.get(source.node)?.saved.type === PRIMITIVE
}

/** To the node that set what a getter gets: in the same graph, else in the nearest graph around it. */
function edgeToSetter(scope: Scope, getter: Fitted, wanted: string): Edge | undefined {
  const name = variable(getter)
  for (const around of outwards(scope)) {
    for (const node of around.graph.nodes.values()) {
      if (node.saved.type === SETTER && name !== undefined && variable(node) === name) {
        return { is: "edge", scope: around, source: { node: node.saved.id, slot: 0 }, wanted }
      }
    }
  }
  return undefined
}

function variable(node: Fitted): Json | undefined {
  return isList(node.saved.values) ? node.saved.values[0] : undefined
}
