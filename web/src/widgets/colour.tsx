import { useState } from "react"
import { colourValue, hexOf, isColour, readHex } from "~/widgets/colours"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"
import "~/widgets/colour.css"

/** A colour: chosen from the browser's palette, or typed. */
export const widget: WidgetKind = { fits: isColour, rank: 20, draw: Colour }

function Colour({ widget, value, label, onChange, onDone }: WidgetProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const hex = hexOf(value)
  return (
    <div className="nodrag widget-colour">
      <input
        type="color"
        aria-label={words.widgets.palette(label)}
        value={hex}
        onChange={(event) => {
          onChange(colourValue(widget, event.target.value))
        }}
        onBlur={onDone}
      />
      <input
        type="text"
        aria-label={label}
        spellCheck={false}
        value={typed ?? hex}
        onChange={(event) => {
          setTyped(event.target.value)
          const read = readHex(event.target.value)
          if (read !== null) onChange(colourValue(widget, read))
        }}
        onBlur={() => {
          setTyped(null)
          onDone()
        }}
      />
    </div>
  )
}
