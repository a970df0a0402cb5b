import { controlKey } from "~/document/schema/layout"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"

/** What becomes of a seed after each run. */
export const widget: WidgetKind = {
  fits: (widget) => widget.controls !== undefined && widget.key === controlKey(widget.controls),
  rank: 10,
  draw: Control,
}

const MODES = ["fixed", "increment", "decrement", "randomize"] as const

function Control({ value, label, onChange, onDone }: WidgetProps) {
  const mode = MODES.find((each) => each === value) ?? (value === true ? "randomize" : "fixed")
  return (
    <select
      className="nodrag widget-control"
      aria-label={label}
      value={mode}
      onChange={(event) => {
        onChange(event.target.value)
        onDone()
      }}
    >
      {MODES.map((each) => (
        <option key={each} value={each}>
          {words.widgets.control[each]}
        </option>
      ))}
    </select>
  )
}
