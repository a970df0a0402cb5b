import { useRef, useState } from "react"
import type { Json } from "~/document/json"
import { drawn } from "~/document/edits/after_run"
import { isSeed } from "~/document/schema/layout"
import { readNumber, spanOf, stepped } from "~/widgets/numbers"
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
export function NumberField({ widget, value, label, onChange, onDone }: WidgetProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const drag = useRef<{ x: number; from: Json | undefined; moved: boolean } | null>(null)
  const shown = typed ?? textOf(value)
  const span = spanOf(widget)
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
        aria-valuemin={span?.[0]}
        aria-valuemax={span?.[1]}
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
      {isSeed(widget) && (
        <button
          type="button"
          aria-label={words.widgets.draw(label)}
          title={words.widgets.draw(label)}
          onClick={() => {
            setTyped(null)
            onChange(drawn(widget))
            onDone()
          }}
        >
          <Dice />
        </button>
      )}
    </div>
  )
}

function Dice() {
  return (
    <svg className="widget-dice" viewBox="0 0 16 16" aria-hidden="true">
      <rect x="2" y="2" width="12" height="12" rx="3" />
      <path d="M5.5 5.5h0M10.5 5.5h0M8 8h0M5.5 10.5h0M10.5 10.5h0" />
    </svg>
  )
}

function textOf(value: Json | undefined): string {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "string" ? String(value) : ""
}
