import { useState } from "react"
import { words } from "~/words/words"

interface Props {
  readonly left: string
  readonly right: string
  readonly names: readonly [string, string]
}

/** Two pictures on top of each other, and a slider that says where one ends and the other begins. */
export function Compare({ left, right, names }: Props) {
  const [part, setPart] = useState(50)
  return (
    <div className="compare">
      <img src={right} alt={names[1]} />
      <img className="compare-left" src={left} alt={names[0]} style={{ clipPath: `inset(0 ${String(100 - part)}% 0 0)` }} />
      <span className="compare-line" style={{ left: `${String(part)}%` }} />
      <input
        type="range"
        min={0}
        max={100}
        step={0.5}
        value={part}
        aria-label={words.gallery.slider}
        onChange={(event) => {
          setPart(event.target.valueAsNumber)
        }}
      />
    </div>
  )
}
