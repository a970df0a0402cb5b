import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react"
import type { Point } from "~/document/workflow"
import { useApp } from "~/state/use"
import "~/canvas/palette.css"

const SIZE = { width: 360, height: 440 }

export interface Option {
  readonly key: string
  readonly text: string
  readonly detail: string
  readonly colour?: string
}

interface Props<O extends Option> {
  readonly title: string
  /** What the field is called. */
  readonly search: string
  readonly none: string
  /** In the graph. */
  readonly at: Point
  readonly options: readonly O[]
  readonly text: string
  readonly heading?: ReactNode
  readonly footing?: (active: O) => string
  readonly onText: (text: string) => void
  readonly onChoose: (option: O) => void
  readonly onClose: () => void
}

/** A list that is searched by typing, at a point of the canvas; it is led by arrow keys, Enter and Escape. */
export function Picker<O extends Option>({ title, search, none, at, options, text, heading, footing, onText, onChoose, onClose }: Props<O>) {
  const app = useApp()
  const [marked, setMarked] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const id = useId()
  const index = Math.min(marked, options.length - 1)
  const active = options[index]
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" })
  }, [marked, options])
  const onKey = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key]
    if (move !== undefined) setMarked(Math.max(0, Math.min(options.length - 1, index + move)))
    else if (event.key === "Enter" && active !== undefined) onChoose(active)
    else if (event.key === "Escape" || event.key === "Tab") onClose()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const place = app.view.camera?.toWindow(at) ?? at
  const left = Math.max(8, Math.min(place.x, window.innerWidth - SIZE.width - 8))
  const top = Math.max(8, Math.min(place.y, window.innerHeight - SIZE.height - 8))
  const description = active === undefined ? "" : (footing?.(active) ?? "")
  return (
    <div
      className="palette-behind"
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) onClose()
      }}
    >
      <div className="palette" role="dialog" aria-label={title} style={{ left, top, width: SIZE.width, maxHeight: SIZE.height }}>
        {heading}
        <input
          autoFocus
          type="search"
          role="combobox"
          aria-expanded
          aria-controls={id}
          aria-activedescendant={active === undefined ? undefined : `${id} ${active.key}`}
          aria-label={search}
          placeholder={search}
          value={text}
          onChange={(event) => {
            onText(event.target.value)
            setMarked(0)
          }}
          onKeyDown={onKey}
        />
        {options.length === 0 && <p className="palette-none">{none}</p>}
        <ul ref={list} id={id} role="listbox" aria-label={title}>
          {options.map((option, number) => (
            <li
              key={option.key}
              id={`${id} ${option.key}`}
              role="option"
              aria-selected={option === active}
              onPointerMove={() => {
                setMarked(number)
              }}
              onClick={() => {
                onChoose(option)
              }}
            >
              <span>
                {option.colour !== undefined && <i className="dot" style={{ background: option.colour }} />}
                {option.text}
              </span>
              <small>{option.detail}</small>
            </li>
          ))}
        </ul>
        {description !== "" && <p className="palette-description">{description}</p>}
      </div>
    </div>
  )
}
