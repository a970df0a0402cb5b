import { useId } from "react"
import { useStore } from "zustand"
import type { Easel } from "~/panels/easel"
import { words } from "~/words/words"

const STEPS = 200 // of the slider: small brushes are told apart more finely than large ones

/** The brush, what can be done with the whole mask, and how it is shown. */
export function MaskTools({ easel }: { readonly easel: Easel }) {
  const brush = useStore(easel.store, (state) => state.brush)
  const colour = useStore(easel.store, (state) => state.colour)
  const opacity = useStore(easel.store, (state) => state.opacity)
  const scale = useStore(easel.store, (state) => state.placing.scale)
  const canUndo = useStore(easel.store, (state) => state.canUndo)
  const canRedo = useStore(easel.store, (state) => state.canRedo)
  const size = Math.round(2 * brush.radius)
  return (
    <div className="mask-tools" role="toolbar" aria-label={words.mask.tools}>
      <span className="mask-group mask-choice">
        <Choice easel={easel} erases={false} word={words.mask.paint} />
        <Choice easel={easel} erases={true} word={words.mask.erase} />
      </span>
      <Slider
        word={words.mask.size}
        value={(STEPS * Math.log(Math.max(size, 1))) / Math.log(easel.widest)}
        max={STEPS}
        told={words.mask.pixels(size)}
        onChange={(to) => {
          easel.setBrush({ radius: easel.widest ** (to / STEPS) / 2 })
        }}
      />
      <Slider
        word={words.mask.hardness}
        value={100 * brush.hardness}
        max={100}
        told={words.mask.percent(Math.round(100 * brush.hardness))}
        onChange={(to) => {
          easel.setBrush({ hardness: to / 100 })
        }}
      />
      <span className="mask-group">
        <Button word={words.mask.undo} isOff={!canUndo} onPress={() => { easel.undo() }} />
        <Button word={words.mask.redo} isOff={!canRedo} onPress={() => { easel.redo() }} />
        <Button word={words.mask.invert} onPress={() => { easel.invert() }} />
        <Button word={words.mask.clear} onPress={() => { easel.clear() }} />
      </span>
      <label className="mask-colour">
        {words.mask.colour}
        <input
          type="color"
          value={colour}
          onChange={(event) => {
            easel.setColour(event.target.value)
          }}
        />
      </label>
      <Slider
        word={words.mask.opacity}
        value={100 * opacity}
        max={100}
        told={words.mask.percent(Math.round(100 * opacity))}
        onChange={(to) => {
          easel.set({ opacity: to / 100 })
        }}
      />
      <span className="mask-group">
        <Button word="−" label={words.commands.zoomOut} onPress={() => { easel.zoom(1 / 1.25) }} />
        <output>{words.mask.percent(Math.round(100 * scale))}</output>
        <Button word="+" label={words.commands.zoomIn} onPress={() => { easel.zoom(1.25) }} />
        <Button word={words.mask.fit} onPress={() => { easel.fit() }} />
      </span>
    </div>
  )
}

function Choice({ easel, erases, word }: { readonly easel: Easel; readonly erases: boolean; readonly word: string }) {
  const is = useStore(easel.store, (state) => state.brush.erases === erases)
  return (
    <button
      type="button"
      aria-pressed={is}
      onClick={() => {
        easel.setBrush({ erases })
      }}
    >
      {word}
    </button>
  )
}

interface ButtonProps {
  readonly word: string
  readonly label?: string
  readonly isOff?: boolean
  readonly onPress: () => void
}

function Button({ word, label = word, isOff = false, onPress }: ButtonProps) {
  return (
    <button type="button" aria-label={label} disabled={isOff} onClick={onPress}>
      {word}
    </button>
  )
}

interface SliderProps {
  readonly word: string
  readonly value: number
  readonly max: number
  /** The value in words. */
  readonly told: string
  readonly onChange: (to: number) => void
}

function Slider({ word, value, max, told, onChange }: SliderProps) {
  const id = useId()
  return (
    <span className="mask-slider">
      <label htmlFor={id}>{word}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={max}
        step="any"
        value={value}
        aria-valuetext={told}
        onChange={(event) => {
          onChange(Number(event.target.value))
        }}
      />
      <output>{told}</output>
    </span>
  )
}
