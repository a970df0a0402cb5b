import type { WidgetKind, WidgetProps } from "~/widgets/widget"

export const widget: WidgetKind = {
  fits: (widget) => ["STRING", "TEXTAREA", "MARKDOWN"].includes(widget.type),
  draw: TextField,
}

function TextField({ widget, value, label, onChange, onDone }: WidgetProps) {
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
    <textarea className="nodrag nowheel widget-text" rows={3} {...field} />
  ) : (
    <input className="nodrag widget-line" type="text" {...field} />
  )
}
