/** Node types as /object_info tells them, read with tolerance: packs write what they like. */

import { isList, isObject, type Json, type JsonObject } from "~/document/json"
import { ANY } from "~/document/workflow"

export interface Definition {
  readonly name?: string
  readonly display_name?: string | null
  readonly description?: string
  readonly category?: string
  readonly python_module?: string
  readonly input?: JsonObject
  readonly input_order?: JsonObject
  readonly output?: readonly Json[]
  readonly output_name?: readonly string[]
  readonly output_is_list?: readonly boolean[]
  readonly output_node?: boolean
  readonly deprecated?: boolean
  readonly experimental?: boolean
  readonly search_aliases?: readonly string[]
  readonly [more: string]: unknown
}

export type Definitions = Readonly<Record<string, Definition>>

export const COMBO = "COMBO"

/** One input of a definition; a list of choices has become the type COMBO with the option `options`. */
export interface InputSpec {
  readonly name: string
  readonly type: string
  readonly options: JsonObject
  readonly isRequired: boolean
}

/** Required inputs, then optional ones, each in the order the definition asks for; unordered ones come last. */
export function inputsOf(definition: Definition): InputSpec[] {
  const sections = ["required", "optional"] as const
  const specs = sections.map((section) => asObject(definition.input?.[section]))
  const named = sections.map((section, at) => {
    const order = definition.input_order?.[section]
    return Array.isArray(order) ? order.map(String).filter((name) => name in (specs[at] ?? {})) : []
  })
  const left = specs.map((each, at) => Object.keys(each).filter((name) => named[at]?.includes(name) !== true))
  return [named, left].flatMap((names) =>
    names.flatMap((some, at) => some.map((name) => inputSpec(name, specs[at]?.[name], at === 0))),
  )
}

function inputSpec(name: string, spec: Json | undefined, isRequired: boolean): InputSpec {
  const [first, second] = isList(spec) && spec.length > 0 ? spec : [ANY, undefined]
  const options = asObject(second)
  if (isList(first)) return { name, type: COMBO, options: { ...options, options: first }, isRequired }
  return { name, type: typeOf(first), options, isRequired }
}

/** The types of the outputs; a list of choices is a COMBO. */
export function outputsOf(definition: Definition): { readonly name: string; readonly type: string }[] {
  return (definition.output ?? []).map((each, at) => {
    const type = Array.isArray(each) ? COMBO : typeOf(each)
    return { name: definition.output_name?.[at] ?? type, type }
  })
}

/** The type of a slot as text: a list means one of several, and nothing means any. */
export function typeOf(raw: unknown): string {
  if (Array.isArray(raw)) return raw.map(String).join(",") || ANY
  return typeof raw === "string" && raw !== "" ? raw : typeof raw === "number" && raw !== 0 ? String(raw) : ANY
}

export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
