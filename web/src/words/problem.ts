/** What the server found wrong with a prompt, as a sentence. */

import { words } from "~/words/words"

interface Problem {
  readonly type: string
  readonly message: string
  readonly details: string
  readonly extra_info: {
    readonly input_name?: string
    readonly input_config?: unknown
    readonly received_value?: unknown
  }
}

export function problemText({ type, message, details, extra_info: more }: Problem): string {
  const name = more.input_name ?? ""
  const value = typeof more.received_value === "string" ? more.received_value : JSON.stringify(more.received_value)
  switch (type) {
    case "required_input_missing":
      return words.problems.missing(name)
    case "value_not_in_list":
      return words.problems.absent(name, value)
    case "value_smaller_than_min":
      return words.problems.small(name, value, bound(more.input_config, "min"))
    case "value_bigger_than_max":
      return words.problems.large(name, value, bound(more.input_config, "max"))
    default:
      return details === "" ? message : `${message}: ${details}`
  }
}

function bound(config: unknown, key: "min" | "max"): string {
  const options: unknown = Array.isArray(config) ? config[1] : undefined
  const found = typeof options === "object" && options !== null ? (options as Record<string, unknown>)[key] : undefined
  return typeof found === "number" ? String(found) : "?"
}
