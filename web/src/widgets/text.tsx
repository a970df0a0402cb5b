import { useState, type SyntheticEvent } from "react"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"

export const widget: WidgetKind = {
  fits: (widget) => ["STRING", "TEXTAREA", "MARKDOWN"].includes(widget.type),
  draw: TextField,
}

function TextField({ widget, value, label, onChange, onDone }: WidgetProps) {
  const [takesWheel, setTakesWheel] = useState(false)
  const text = typeof value === "string" ? value : ""
  const placeholder = widget.options["placeholder"]
  const field = {
    value: text,
    "aria-label": label,
    placeholder: typeof placeholder === "string" ? placeholder : label,
    onChange: (event: { target: { value: string } }) => {
      onChange(event.target.value)
    },
    onBlur: onDone,
  }
  const isLong = widget.type !== "STRING" || widget.options["multiline"] === true
  return isLong ? (
    <textarea
      className={takesWheel ? "nodrag nowheel widget-text" : "nodrag widget-text"}
      rows={3}
      {...field}
      onSelect={(event: SyntheticEvent<HTMLTextAreaElement>) => {
        setTakesWheel(isCut(event.currentTarget)) // else the wheel zooms, as anywhere on the canvas
      }}
      onBlur={() => {
        setTakesWheel(false)
        onDone()
      }}
    />
  ) : (
    <input className="nodrag widget-line" type="text" {...field} />
  )
}

/** Whether there is more text than is seen. */
function isCut(field: HTMLTextAreaElement): boolean {
  return field.scrollHeight > field.clientHeight
}
