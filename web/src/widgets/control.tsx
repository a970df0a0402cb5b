import { COMBO } from "~/document/schema/definition"
import { controlKey, filterKey, type Widget } from "~/document/schema/layout"
import { widgetsOf } from "~/document/schema/node_layout"
import { useApp } from "~/state/use"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"

/** What becomes of a seed or a choice after each run, and among which choices. */
export const widget: WidgetKind = {
  fits: ({ key, controls }) => controls !== undefined && (key === controlKey(controls) || key === filterKey(controls)),
  rank: 10,
  draw: (props) => (isFilter(props.widget) ? <Filter {...props} /> : <Control {...props} />),
}

const OF_NUMBERS = ["fixed", "increment", "decrement", "randomize"] as const
const OF_CHOICES = ["fixed", "increment", "decrement", "increment-wrap", "randomize"] as const

function isFilter({ key, controls }: Widget): boolean {
  return controls !== undefined && key === filterKey(controls)
}

function Control({ node, widget, value, label, onChange, onDone }: WidgetProps) {
  const { place } = useApp()
  const found = place.graph.nodes.get(node)
  const ruled = found && widgetsOf(place, found).find((each) => each.key === widget.controls)
  const [modes, named] = ruled?.type === COMBO ? [OF_CHOICES, words.widgets.choosing] : [OF_NUMBERS, words.widgets.control]
  const mode = OF_CHOICES.find((each) => each === value) ?? (value === true ? "randomize" : "fixed")
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
      {modes.map((each) => (
        <option key={each} value={each}>
          {named[each as keyof typeof named]}
        </option>
      ))}
    </select>
  )
}

function Filter({ value, label, onChange, onDone }: WidgetProps) {
  return (
    <input
      className="nodrag"
      type="text"
      aria-label={label}
      placeholder={words.widgets.filterHint}
      value={typeof value === "string" ? value : ""}
      onChange={(event) => {
        onChange(event.target.value)
      }}
      onBlur={onDone}
    />
  )
}
