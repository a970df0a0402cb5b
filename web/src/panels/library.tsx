import { useMemo, useState, type DragEvent } from "react"
import { categoriesOf, entriesOf, search, socketsOf, type Category, type Entry } from "~/document/library"
import type { Panel } from "~/panels/panel"
import { addFromLibrary, DRAGGED_TYPE } from "~/state/adding"
import { useApp, useShell } from "~/state/use"
import { colourOf } from "~/document/schema/colours"
import { words } from "~/words/words"
import "~/panels/library.css"

export const panel: Panel = { name: "library", side: "left", draw: Library }

/** All node types by category: a click adds one, a drag puts it where it is dropped. */
function Library() {
  const definitions = useShell((state) => state.definitions)
  const [text, setText] = useState("")
  const entries = entriesOf(definitions)
  const categories = useMemo(() => categoriesOf(entries), [entries])
  const found = useMemo(() => (text.trim() === "" ? null : search(entries, text)), [entries, text])
  return (
    <>
      <h2>{words.panels.library}</h2>
      <input
        type="search"
        aria-label={words.library.search}
        placeholder={words.library.search}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
        }}
      />
      {found === null ? (
        categories.map((each) => <Shelf key={each.path} category={each} />)
      ) : found.length === 0 ? (
        <p>{words.palette.none}</p>
      ) : (
        <Entries entries={found} />
      )}
    </>
  )
}

function Shelf({ category }: { readonly category: Category }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details
      open={isOpen}
      onToggle={(event) => {
        setOpen(event.currentTarget.open)
      }}
    >
      <summary>{category.name}</summary>
      {isOpen && (
        <>
          {category.below.map((each) => (
            <Shelf key={each.path} category={each} />
          ))}
          <Entries entries={category.entries} />
        </>
      )}
    </details>
  )
}

function Entries({ entries }: { readonly entries: readonly Entry[] }) {
  const app = useApp()
  return (
    <ul>
      {entries.map((entry) => (
        <li key={entry.type}>
          <button
            draggable
            title={entry.description}
            onClick={() => {
              addFromLibrary(app, entry)
            }}
            onDragStart={(event: DragEvent) => {
              event.dataTransfer.setData(DRAGGED_TYPE, entry.type)
              event.dataTransfer.effectAllowed = "copy"
            }}
          >
            <span>{entry.title}</span>
            <Dots types={socketsOf(entry).gives} />
          </button>
        </li>
      ))}
    </ul>
  )
}

/** The colours of what a node gives. */
function Dots({ types }: { readonly types: readonly string[] }) {
  return (
    <span aria-hidden>
      {types.slice(0, 4).map((type, at) => (
        <i key={at} className="dot" style={{ background: colourOf(type) }} />
      ))}
    </span>
  )
}
