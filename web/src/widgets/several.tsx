import { isList, textOf, type Json } from "~/document/json"
import { choicesOf } from "~/document/schema/layout"
import { COMBO } from "~/document/schema/definition"
import { asObject } from "~/document/schema/definition"
import { Choices } from "~/widgets/choices"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"
import "~/widgets/several.css"

/** Several of a list: each that is chosen can be taken away, and one more is searched by typing. */
export const widget: WidgetKind = {
  fits: ({ type, options }) => type === COMBO && Boolean(options["multiselect"] || options["multi_select"]),
  rank: 20,
  draw: Several,
}

function Several(props: WidgetProps) {
  const { widget, value, label, onChange, onDone } = props
  const chosen: readonly Json[] = isList(value) ? value : value === undefined || value === null || value === "" ? [] : [value]
  const left = choicesOf(widget).filter((each) => !chosen.includes(each))
  const placeholder = widget.options["placeholder"] ?? asObject(widget.options["multi_select"])["placeholder"]
  const set = (to: readonly Json[]) => {
    onChange([...to])
    onDone()
  }
  return (
    <div className="nodrag widget-several">
      {chosen.length > 0 && (
        <ul aria-label={words.widgets.chosen(label)}>
          {chosen.map((each, at) => (
            <li key={at}>
              <span title={textOf(each)}>{textOf(each)}</span>
              <button
                type="button"
                aria-label={words.widgets.takeAway(textOf(each), label)}
                onClick={() => {
                  set(chosen.filter((_, index) => index !== at))
                }}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <Choices
        {...props}
        widget={{ ...widget, options: { ...widget.options, options: left } }}
        value={undefined}
        hint={typeof placeholder === "string" ? placeholder : words.widgets.more}
        onChange={(added) => {
          set([...chosen, added])
        }}
      />
    </div>
  )
}
