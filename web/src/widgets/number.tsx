import { useState } from "react"
import type { Json } from "~/document/json"
import type { Widget } from "~/document/schema/layout"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"

export const widget: WidgetKind = {
  fits: (widget) => widget.type === "INT" || widget.type === "FLOAT",
  draw: NumberField,
}

/** What is typed stays as it is typed until it is a number; whole numbers of any size are kept whole. */
function NumberField({ widget, value, label, onChange, onDone }: WidgetProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const shown = typed ?? textOf(value)
  return (
    <input
      className="nodrag widget-number"
      type="text"
      inputMode={widget.type === "INT" ? "numeric" : "decimal"}
      role="spinbutton"
      aria-label={label}
      aria-valuenow={Number(value)}
      value={shown}
      onChange={(event) => {
        const text = event.target.value
        setTyped(text)
        const read = readNumber(text, widget)
        if (read !== null) onChange(read)
      }}
      onKeyDown={(event) => {
        const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0
        if (by === 0) return
        event.preventDefault()
        setTyped(null)
        onChange(stepped(value, widget, by))
      }}
      onBlur={() => {
        setTyped(null)
        onDone()
      }}
    />
  )
}

function textOf(value: Json | undefined): string {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "string" ? String(value) : ""
}

/** The number that a text is, within the bounds; null for what is none. */
export function readNumber(text: string, widget: Widget): number | bigint | null {
  const plain = text.trim().replace(",", ".")
  if (widget.type === "INT") {
    if (!/^[+-]?\d+$/.test(plain)) return null
    const whole = BigInt(plain.replace("+", ""))
    const number = Number(whole)
    return Number.isSafeInteger(number) ? bounded(number, widget) : bounded(whole, widget)
  }
  const number = Number(plain)
  return plain !== "" && Number.isFinite(number) ? bounded(number, widget) : null
}

function bounded<T extends number | bigint>(value: T, { options }: Widget): T | number {
  const [min, max] = [options["min"], options["max"]]
  if (typeof min === "number" && value < min) return min
  if (typeof max === "number" && value > max) return max
  return value
}

/** The value so many steps further. */
export function stepped(value: Json | undefined, widget: Widget, by: number): number | bigint {
  const step = Number(widget.options["step"] ?? (widget.type === "INT" ? 1 : 0.1))
  if (typeof value === "bigint") return bounded(value + BigInt(by) * BigInt(Math.round(step)), widget)
  const digits = String(step).split(".")[1]?.length ?? 0
  const next = Number(value ?? 0) + by * step
  return bounded(Number(next.toFixed(Math.min(digits + 2, 12))), widget)
}
