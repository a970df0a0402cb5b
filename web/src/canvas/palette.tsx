import { useMemo, useState } from "react"
import { Picker } from "~/canvas/picker"
import { fitting, typeOfEnd } from "~/document/edits/add"
import { entriesOf, search, type Entry } from "~/document/library"
import { addFromLibrary } from "~/state/adding"
import { useApp, useGraph, useShell, useView } from "~/state/use"
import type { PaletteAsked } from "~/state/view"
import { colourOf } from "~/document/schema/colours"
import { words } from "~/words/words"

const SHOWN = 80

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
  const { at, end, findsRoom } = asked
  const type = end && typeOfEnd(graph, end)
  const offered = useMemo(() => {
    const found = search(entriesOf(definitions), text)
    const offered = end === undefined || type === undefined ? found : fitting(found, end, type)
    return offered.slice(0, SHOWN).map((entry) => ({ key: entry.type, text: entry.title, detail: entry.category, entry }))
  }, [definitions, end, type, text])
  const close = () => {
    app.view.set({ palette: null })
    document.querySelector<HTMLElement>(".canvas")?.focus()
  }
  const choose = (entry: Entry) => {
    const id = addFromLibrary(app, entry, { at, end, findsRoom })
    close()
    app.view.camera?.focus(id)
  }
  return (
    <Picker
      title={words.palette.title}
      search={words.palette.search}
      none={words.palette.none}
      at={at}
      options={offered}
      text={text}
      heading={
        end !== undefined &&
        type !== undefined && (
          <p className="palette-for">
            <i className="dot" style={{ background: colourOf(type) }} />
            {"from" in end ? words.palette.takes(type) : words.palette.gives(type)}
          </p>
        )
      }
      footing={({ entry }) => entry.description}
      onText={setText}
      onChoose={({ entry }) => {
        choose(entry)
      }}
      onClose={close}
    />
  )
}
