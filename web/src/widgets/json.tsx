import { useState } from "react"
import { readJson, writeJson, type Json } from "~/document/json"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"

const TYPES = new Set(["COLORS", "CURVE", "RANGE", "BOUNDING_BOX", "BOUNDING_BOXES"])

/** What is made of several numbers or texts, typed as JSON. */
export const widget: WidgetKind = { fits: (widget) => TYPES.has(widget.type), draw: JsonField }

function JsonField({ value, label, onChange, onDone }: WidgetProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const isWrong = typed !== null && read(typed) === undefined
  return (
    <input
      className="nodrag"
      type="text"
      aria-label={label}
      aria-invalid={isWrong}
      title={isWrong ? words.widgets.noJson : undefined}
      spellCheck={false}
      value={typed ?? (value === undefined ? "" : writeJson(value))}
      onChange={(event) => {
        setTyped(event.target.value)
        const made = read(event.target.value)
        if (made !== undefined) onChange(made)
      }}
      onBlur={() => {
        setTyped(null)
        onDone()
      }}
    />
  )
}

function read(text: string): Json | undefined {
  try {
    return readJson(text)
  } catch {
    return undefined
  }
}
