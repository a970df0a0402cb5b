import { useRef, useState } from "react"
import type { Json } from "~/document/json"
import type { Widget } from "~/document/schema/layout"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"
import "~/widgets/number.css"

export const widget: WidgetKind = {
  fits: (widget) => widget.type === "INT" || widget.type === "FLOAT",
  draw: NumberField,
}

const SLACK = 4 // pixels that a click may move
const PER_STEP = 6 // pixels of a drag

/**
 * A number that is typed, stepped by its buttons and the arrow keys, or dragged sideways. What is typed stays as it is
 * typed until it is a number; whole numbers of any size are kept whole.
 */
function NumberField({ widget, value, label, onChange, onDone }: WidgetProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const drag = useRef<{ x: number; from: Json | undefined; moved: boolean } | null>(null)
  const shown = typed ?? textOf(value)
  const step = (by: number) => {
    setTyped(null)
    onChange(stepped(value, widget, by))
  }
  const press = (by: number) => () => {
    step(by)
    onDone()
  }
  return (
    <div className="nodrag widget-number">
      <button type="button" tabIndex={-1} aria-label={words.widgets.lower(label)} onClick={press(-1)}>
        ‹
      </button>
      <input
        type="text"
        inputMode={widget.type === "INT" ? "numeric" : "decimal"}
        role="spinbutton"
        aria-label={label}
        aria-valuenow={Number(value)}
        value={shown}
        onPointerDown={(event) => {
          if (event.button !== 0 || document.activeElement === event.currentTarget) return
          event.preventDefault() // a click gives the focus when it is over, a drag never
          event.currentTarget.setPointerCapture(event.pointerId)
          drag.current = { x: event.clientX, from: value, moved: false }
        }}
        onPointerMove={(event) => {
          if (drag.current === null) return
          const by = event.clientX - drag.current.x
          if (!drag.current.moved && Math.abs(by) < SLACK) return
          drag.current.moved = true
          onChange(stepped(drag.current.from, widget, Math.round(by / PER_STEP)))
        }}
        onPointerUp={(event) => {
          const over = drag.current
          drag.current = null
          if (over === null) return
          if (over.moved) onDone()
          else {
            event.currentTarget.focus()
            event.currentTarget.select()
          }
        }}
        onPointerCancel={() => {
          drag.current = null
        }}
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
          step(by * (event.shiftKey ? 10 : 1))
        }}
        onBlur={() => {
          setTyped(null)
          onDone()
        }}
      />
      <button type="button" tabIndex={-1} aria-label={words.widgets.raise(label)} onClick={press(1)}>
        ›
      </button>
    </div>
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
