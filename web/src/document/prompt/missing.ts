/** Nodes of types that are not installed: told where the result needs them, left out where nothing does. */

import { isList, textOf, type Json } from "~/document/json"
import type { Prompt, PromptNode } from "~/document/prompt/convert"
import type { Fitted } from "~/document/prompt/fit"
import { MissingTypes, type MissingType } from "~/document/prompt/trouble"
import type { Definitions } from "~/document/schema/definition"

/**
 * The prompt without unused nodes of unknown types, and without links to anything that is not in it.
 *
 * Throws MissingTypes where such a node is used: an output depends on it, or it may be an output itself, as something
 * feeds it and it feeds nothing.
 */
export function withoutMissingTypes(prompt: Prompt, nodes: ReadonlyMap<string, Fitted>, definitions: Definitions): Prompt {
  const sources = new Map(Object.entries(prompt).map(([id, entry]) => [id, sourcesOf(entry, prompt)]))
  const feeding = new Set([...sources.values()].flat())
  const unknown = new Set([...nodes].filter(([, node]) => node.kind === "unknown").map(([id]) => id))
  const outputs = [...nodes].filter(([, node]) => definitions[node.saved.type]?.output_node === true).map(([id]) => id)
  const loose = [...unknown].filter((id) => !feeding.has(id) && (sources.get(id)?.length ?? 0) > 0)
  const needed = withAllThatFeeds([...outputs, ...loose], sources)
  const missing = Object.keys(prompt).filter((id) => unknown.has(id) && needed.has(id))
  if (missing.length > 0) throw new MissingTypes(missing.map((id) => described(id, nodes.get(id))))
  const kept = Object.entries(prompt).filter(([id]) => !unknown.has(id))
  const names = new Set(kept.map(([id]) => id))
  return Object.fromEntries(kept.map(([id, entry]) => [id, { ...entry, inputs: linkedWithin(entry.inputs, names) }]))
}

function sourcesOf(entry: PromptNode, prompt: Prompt): string[] {
  return Object.values(entry.inputs).flatMap((value) => {
    const id = isList(value) ? textOf(value[0]) : ""
    return id in prompt ? [id] : []
  })
}

function withAllThatFeeds(wanted: readonly string[], sources: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>()
  const waiting = [...wanted]
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue
    found.add(id)
    waiting.push(...(sources.get(id) ?? []))
  }
  return found
}

/** Inputs but those linked to a node that is not there; every list is a link here, as literal ones are wrapped. */
function linkedWithin(inputs: Readonly<Record<string, Json>>, kept: ReadonlySet<string>): Record<string, Json> {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => !isList(value) || kept.has(textOf(value[0]))))
}

function described(id: string, node: Fitted | undefined): MissingType {
  const properties = node?.saved.properties ?? {}
  const pack = textOf(properties["cnr_id"]) || textOf(properties["aux_id"])
  return { node: id, type: node?.saved.type ?? "", pack: pack || undefined, version: textOf(properties["ver"]) || undefined }
}
