/** A saved workflow becomes a prompt in API format. */

import { isList, isObject, type Json } from "~/document/json"
import { chooseAlternatives, chooseByChance, type Choose } from "~/document/prompt/dynamic_prompts"
import { fit, type Fitted } from "~/document/prompt/fit"
import { withoutMissingTypes } from "~/document/prompt/missing"
import { namesAFile, Placeholders } from "~/document/prompt/placeholders"
import { resolve } from "~/document/prompt/resolve"
import { isBypassed, isMuted, readSaved } from "~/document/prompt/saved"
import { executionIdOf, expand, type Scope } from "~/document/prompt/scopes"
import { settle, writePrimitives, type Settings } from "~/document/prompt/settings"
import type { Definitions } from "~/document/schema/definition"
import type { Widget } from "~/document/schema/layout"

export interface PromptNode {
  readonly class_type: string
  readonly inputs: Readonly<Record<string, Json>>
  readonly _meta?: Readonly<Record<string, Json>>
}

/** By execution ids. */
export type Prompt = Readonly<Record<string, PromptNode>>

export interface Chances {
  /** Picks among the alternatives of dynamic prompts; by chance unless said. */
  readonly choose?: Choose
  /** What `%date:...%` writes into file names. */
  readonly now?: Date
}

/**
 * The prompt of a workflow's file. Throws MissingTypes where the result needs a type without a definition, and
 * WorkflowError for a workflow that refers to itself in a circle or is no workflow.
 */
export function promptOf(workflow: Json, definitions: Definitions, chances: Chances = {}): Prompt {
  const fitted = fit(readSaved(workflow), definitions)
  const scopes = expand(fitted)
  const settings = settle(fitted, scopes)
  const placeholders = new Placeholders(settings, scopes, chances.now ?? new Date())
  writePrimitives(settings, scopes, (value) => placeholders.fill(value))
  const texts = { choose: chances.choose ?? chooseByChance, placeholders }
  const nodes = new Map<string, Fitted>()
  const prompt: Record<string, PromptNode> = {}
  for (const scope of scopes) {
    for (const node of scope.graph.nodes.values()) {
      const isRun = node.kind === "step" || node.kind === "unknown"
      if (!isRun || isMuted(node.saved) || isBypassed(node.saved)) continue
      const id = executionIdOf(scope, node)
      nodes.set(id, node)
      prompt[id] = entry(scope, node, settings, texts)
    }
  }
  return withoutMissingTypes(prompt, nodes, definitions)
}

interface Texts {
  readonly choose: Choose
  readonly placeholders: Placeholders
}

/** One node of the prompt: what its widgets hold, then what its slots are fed, which wins. */
function entry(scope: Scope, node: Fitted, settings: Settings, texts: Texts): PromptNode {
  const inputs: Record<string, Json> = {}
  for (const { widget, value } of settings.ofNode(scope, node)) {
    if (widget.isSent && value !== undefined) inputs[widget.name] = literal(read(node, widget, value, texts), widget.type)
  }
  for (const slot of node.inputs) {
    const found = resolve(scope, node, slot, settings)
    if (found?.is === "step") inputs[slot.name] = [found.id, found.slot]
    else if (found?.is === "constant") inputs[slot.name] = literal(found.value, slot.type)
  }
  return { class_type: node.saved.type, inputs, _meta: { title: node.title, ...packOf(node) } }
}

/** A list is wrapped, as a bare one would read as a link. */
function literal(value: Json, type: string): Json {
  if (type === "CURVE" && !isObject(value)) return { __type__: "CURVE", __value__: value }
  return isList(value) ? { __value__: value } : value
}

/** What becomes of the text in a widget on its way into a prompt. */
function read(node: Fitted, widget: Widget, value: Json, { choose, placeholders }: Texts): Json {
  if (typeof value !== "string") return value
  const isDynamic = widget.type === "STRING" && Boolean(widget.options["dynamicPrompts"])
  const chosen = isDynamic ? chooseAlternatives(value, choose) : value
  return namesAFile(node.saved.type, widget.name) ? (placeholders.fill(chosen) ?? chosen) : chosen
}

function packOf(node: Fitted): Record<string, string> {
  const { properties } = node.saved
  return Object.fromEntries(
    ["cnr_id", "aux_id", "ver"].flatMap((key) => {
      const value = properties[key]
      return typeof value === "string" && value !== "" ? [[key, value] as const] : []
    }),
  )
}
