import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react"
import { fitting, typeOfEnd } from "~/document/edits/add"
import { entriesOf, search, type Entry } from "~/document/library"
import { addFromLibrary } from "~/state/adding"
import { useApp, useGraph, useShell, useView } from "~/state/use"
import type { PaletteAsked } from "~/state/view"
import { colourOf } from "~/widgets/type_colour"
import { words } from "~/words/words"
import "~/canvas/palette.css"

const SHOWN = 80
const SIZE = { width: 360, height: 440 }

/** A search for a node to add, where it was asked for; for a loose link it offers only what fits. */
export function Palette() {
  const asked = useView((state) => state.palette)
  return asked === null ? null : <Search key={`${asked.at.x} ${asked.at.y}`} asked={asked} />
}

function Search({ asked }: { readonly asked: PaletteAsked }) {
  const app = useApp()
  const graph = useGraph()
  const definitions = useShell((state) => state.definitions)
  const [text, setText] = useState("")
  const [at, setAt] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const id = useId()
  const { end } = asked
  const type = end && typeOfEnd(graph, end)
  const offered = useMemo(() => {
    const all = entriesOf(definitions)
    return search(end === undefined || type === undefined ? all : fitting(all, end, type), text).slice(0, SHOWN)
  }, [definitions, end, type, text])
  const active = offered[Math.min(at, offered.length - 1)]
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" })
  }, [at, offered])

  const close = () => {
    app.view.set({ palette: null })
    document.querySelector<HTMLElement>(".canvas")?.focus()
  }
  const choose = (entry: Entry | undefined) => {
    if (entry === undefined) return
    addFromLibrary(app, entry, asked.at, end)
    close()
  }
  const onKey = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key]
    if (move !== undefined) setAt(Math.max(0, Math.min(offered.length - 1, at + move)))
    else if (event.key === "Enter") choose(active)
    else if (event.key === "Escape" || event.key === "Tab") close()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const place = app.view.camera?.toWindow(asked.at) ?? asked.at
  const left = Math.max(8, Math.min(place.x, window.innerWidth - SIZE.width - 8))
  const top = Math.max(8, Math.min(place.y, window.innerHeight - SIZE.height - 8))
  return (
    <div className="palette-behind" onPointerDown={(event) => {
        if (event.target === event.currentTarget) close()
      }}
    >
      <div className="palette" role="dialog" aria-label={words.palette.title} style={{ left, top, width: SIZE.width, maxHeight: SIZE.height }}>
        {end !== undefined && type !== undefined && (
          <p className="palette-for">
            <i className="dot" style={{ background: colourOf(type) }} />
            {"from" in end ? words.palette.takes(type) : words.palette.gives(type)}
          </p>
        )}
        <input
          autoFocus
          type="search"
          role="combobox"
          aria-expanded
          aria-controls={id}
          aria-activedescendant={active === undefined ? undefined : `${id} ${active.type}`}
          aria-label={words.palette.search}
          placeholder={words.palette.search}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKey}
        />
        {offered.length === 0 && <p className="palette-none">{words.palette.none}</p>}
        <ul ref={list} id={id} role="listbox" aria-label={words.palette.found}>
          {offered.map((entry) => (
            <li
              key={entry.type}
              id={`${id} ${entry.type}`}
              role="option"
              aria-selected={entry === active}
              onPointerMove={() => {
                setAt(offered.indexOf(entry))
              }}
              onClick={() => {
                choose(entry)
              }}
            >
              <span>{entry.title}</span>
              <small>{entry.category}</small>
            </li>
          ))}
        </ul>
        {active !== undefined && active.description !== "" && <p className="palette-description">{active.description}</p>}
      </div>
    </div>
  )
}
