import { COMBO } from "~/document/schema/definition"
import { writeJson, type Json } from "~/document/json"
import { choicesOf } from "~/document/schema/layout"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"

export const widget: WidgetKind = { fits: (widget) => widget.type === COMBO, draw: Combo }

/** A value that is not among the choices, such as an absent model, is shown and stays. */
function Combo({ widget, value, label, onChange, onDone }: WidgetProps) {
  const choices = choicesOf(widget)
  const at = choices.indexOf(value as (typeof choices)[number])
  return (
    <select
      className="nodrag widget-combo"
      aria-label={label}
      value={at}
      onChange={(event) => {
        const chosen = choices[Number(event.target.value)]
        if (chosen === undefined) return
        onChange(chosen)
        onDone()
      }}
    >
      {at < 0 && <option value={-1}>{value === undefined ? "" : words.widgets.absent(shownAs(value))}</option>}
      {choices.map((each, index) => (
        <option key={index} value={index}>
          {shownAs(each)}
        </option>
      ))}
    </select>
  )
}

function shownAs(value: Json): string {
  return typeof value === "string" ? value : writeJson(value)
}
