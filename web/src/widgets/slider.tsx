import { textOf } from "~/document/json"
import { spanOf, stepOf } from "~/widgets/numbers"
import { NumberField } from "~/widgets/number"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import "~/widgets/slider.css"

const LOOKS = new Set(["slider", "knob", "gradientslider"])

/** A number whose schema asks for a slider, or for what turns as one: with the field, for those who know the number. */
export const widget: WidgetKind = {
  fits: (widget) =>
    (widget.type === "INT" || widget.type === "FLOAT") && LOOKS.has(textOf(widget.options["display"])) && spanOf(widget) !== null,
  rank: 10,
  draw: Slider,
}

function Slider(props: WidgetProps) {
  const { widget, value, label, onChange, onDone } = props
  const [min, max] = spanOf(widget) ?? [0, 1]
  return (
    <div className="nodrag widget-slider">
      <input
        type="range"
        aria-label={label}
        min={min}
        max={max}
        step={stepOf(widget)}
        value={Number(value ?? min)}
        onChange={(event) => {
          onChange(Number(event.target.value))
        }}
        onPointerUp={onDone}
        onKeyUp={onDone}
        onBlur={onDone}
      />
      <NumberField {...props} />
    </div>
  )
}
