/** What numbers a widget takes: read from texts, stepped, rounded and kept in bounds as its schema says. */

import type { Json } from "~/document/json"
import type { Widget } from "~/document/schema/layout"

/** The number that a text is, rounded and within the bounds; null for what is none. */
export function readNumber(text: string, widget: Widget): number | bigint | null {
  const plain = text.trim().replace(",", ".")
  if (widget.type === "INT") {
    if (!/^[+-]?\d+$/.test(plain)) return null
    const whole = BigInt(plain.replace("+", ""))
    const number = Number(whole)
    return Number.isSafeInteger(number) ? bounded(number, widget) : bounded(whole, widget)
  }
  const number = Number(plain)
  return plain !== "" && Number.isFinite(number) ? bounded(rounded(number, widget), widget) : null
}

/** The value so many steps further. Whole numbers land on the steps from their default, as 512 ± 64. */
export function stepped(value: Json | undefined, widget: Widget, by: number): number | bigint {
  const step = stepOf(widget)
  if (typeof value === "bigint") return bounded(value + BigInt(by) * BigInt(Math.max(Math.round(step), 1)), widget)
  const from = Number(value ?? 0)
  if (widget.type === "INT" && step > 1) {
    const { min } = widget.options
    const base = typeof widget.default === "number" ? widget.default : typeof min === "number" ? min : 0
    const steps = (from - base) / step
    const whole = by > 0 ? Math.floor(steps) : Math.ceil(steps)
    return bounded(by === 0 ? from : base + (whole + by) * step, widget)
  }
  const next = from + by * step
  return bounded(rounded(Number(next.toFixed(Math.min(digitsOf(step) + 2, 12))), widget), widget)
}

export function stepOf({ options, type }: Widget): number {
  const step = Number(options["step"] ?? (type === "INT" ? 1 : 0.1))
  return step > 0 ? step : 1
}

/** Both bounds, where there are such as a slider can span; null otherwise. */
export function spanOf({ options: { min, max } }: Widget): readonly [number, number] | null {
  return typeof min === "number" && typeof max === "number" && max > min ? [min, max] : null
}

/** A fraction to the unit that its schema asks for; whole numbers, and those of no unit, stay. */
function rounded(value: number, { type, options: { round } }: Widget): number {
  if (type === "INT" || typeof round !== "number" || round <= 0) return value
  return Number((Math.round(value / round) * round).toFixed(Math.min(digitsOf(round) + 2, 12)))
}

function digitsOf(step: number): number {
  const [, after = "", exponent = "0"] = /^\d+(?:\.(\d+))?(?:e-(\d+))?$/.exec(String(step)) ?? []
  return after.length + Number(exponent)
}

function bounded<T extends number | bigint>(value: T, { options: { min, max } }: Widget): T | number {
  if (typeof min === "number" && value < min) return min
  if (typeof max === "number" && value > max) return max
  return value
}
