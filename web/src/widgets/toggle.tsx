import type { WidgetKind, WidgetProps } from "~/widgets/widget"

export const widget: WidgetKind = { fits: (widget) => widget.type === "BOOLEAN", draw: Toggle }

function Toggle({ widget, value, label, onChange, onDone }: WidgetProps) {
  const is = value === true
  const word = widget.options[is ? "label_on" : "label_off"]
  return (
    <label className="nodrag widget-toggle">
      <input
        type="checkbox"
        checked={is}
        aria-label={label}
        onChange={(event) => {
          onChange(event.target.checked)
          onDone()
        }}
      />
      {typeof word === "string" ? word : null}
    </label>
  )
}
