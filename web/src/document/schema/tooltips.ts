/** What node types say of their inputs and outputs. */

import { inputsOf, type Definition } from "~/document/schema/definition"

const known = new WeakMap<Definition, ReadonlyMap<string, string>>()

export function inputTooltip(definition: Definition | undefined, input: string): string | undefined {
  if (definition === undefined) return undefined
  let found = known.get(definition)
  if (found === undefined) {
    found = new Map(inputsOf(definition).flatMap(({ name, options: { tooltip } }) => (isText(tooltip) ? [[name, tooltip] as const] : [])))
    known.set(definition, found)
  }
  return found.get(input)
}

export function outputTooltip(definition: Definition | undefined, output: number): string | undefined {
  const tooltips = definition?.["output_tooltips"]
  const found: unknown = Array.isArray(tooltips) ? tooltips[output] : undefined
  return isText(found) ? found : undefined
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== ""
}
