import { useEffect, useState, type KeyboardEvent } from "react"
import { useStore } from "zustand"
import { Dialog } from "~/panels/dialog"
import { Easel } from "~/panels/easel"
import { fileOfMask, readPicture } from "~/panels/mask_pixels"
import { MaskSurface } from "~/panels/mask_surface"
import { MaskTools } from "~/panels/mask_tools"
import type { Panel } from "~/panels/panel"
import type { App } from "~/state/app"
import { keepMask, type Masking } from "~/state/masking"
import { useApp, useView } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/masking.css"

export const panel: Panel = { name: "masking", side: "bar", order: 95, draw: MaskingPanel }

/** Painting a mask on the picture that a node loads. */
function MaskingPanel() {
  const masking = useView((state) => state.masking)
  return masking === null ? null : <Opened masking={masking} />
}

function Opened({ masking }: { readonly masking: Masking }) {
  const app = useApp()
  const [easel, setEasel] = useState<Easel | null>(null)
  useEffect(() => {
    let isOpen = true
    readPicture(app, masking.file).then(
      (picture) => {
        if (isOpen) setEasel(new Easel(picture))
      },
      () => {
        if (!isOpen) return
        app.tell("error", words.mask.notRead(masking.file.filename))
        app.view.set({ masking: null })
      },
    )
    return () => {
      isOpen = false
    }
  }, [app, masking])
  return (
    <Dialog title={words.mask.title(masking.file.filename)} className="masking" onClose={() => void close(app, easel)}>
      {easel === null ? <p role="status">{words.mask.loading}</p> : <Painter masking={masking} easel={easel} />}
    </Dialog>
  )
}

function Painter({ masking, easel }: { readonly masking: Masking; readonly easel: Easel }) {
  const app = useApp()
  const isChanged = useStore(easel.store, (state) => state.isChanged)
  const [isSaving, setSaving] = useState(false)
  const [trouble, setTrouble] = useState<string | null>(null)
  const save = async (): Promise<void> => {
    easel.end()
    if (isSaving || !easel.state.isChanged) return
    setSaving(true)
    try {
      await keepMask(app, masking, await fileOfMask(easel.painting.mask))
      app.view.set({ masking: null })
    } catch (error) {
      setTrouble(words.mask.notKept(error instanceof Error ? error.message : String(error)))
      setSaving(false)
    }
  }
  const press = (event: KeyboardEvent): void => {
    const mod = event.ctrlKey || event.metaKey ? (event.shiftKey ? "mod+shift+" : "mod+") : ""
    const name = mod + event.key.toLowerCase()
    const deed = KEYS[name]
    if (deed === undefined && name !== "mod+s" && name !== "escape") return
    event.preventDefault()
    deed?.(easel)
    if (name === "mod+s") void save()
    if (name === "escape") void close(app, easel)
  }
  return (
    <div className="masking-inside" onKeyDown={press}>
      <MaskTools easel={easel} />
      <MaskSurface easel={easel} />
      <footer>
        {trouble === null ? <small>{words.mask.hints}</small> : <p role="alert">{trouble}</p>}
        <button type="button" onClick={() => void close(app, easel)}>
          {words.mask.cancel}
        </button>
        <button type="button" className="primary" disabled={!isChanged || isSaving} onClick={() => void save()}>
          {isSaving ? words.mask.saving : words.mask.save}
        </button>
      </footer>
    </div>
  )
}

const STEP = 1.25 // between two sizes

const KEYS: Readonly<Record<string, (easel: Easel) => void>> = {
  "[": (easel) => { easel.setBrush({ radius: easel.state.brush.radius / STEP }) },
  "]": (easel) => { easel.setBrush({ radius: easel.state.brush.radius * STEP }) },
  b: (easel) => { easel.setBrush({ erases: false }) },
  x: (easel) => { easel.setBrush({ erases: !easel.state.brush.erases }) },
  "+": (easel) => { easel.zoom(STEP) },
  "=": (easel) => { easel.zoom(STEP) },
  "-": (easel) => { easel.zoom(1 / STEP) },
  ".": (easel) => { easel.fit() },
  "mod+z": (easel) => { easel.undo() },
  "mod+shift+z": (easel) => { easel.redo() },
  "mod+y": (easel) => { easel.redo() },
}

/** Close the dialog; where strokes would be lost, the user is asked. */
async function close(app: App, easel: Easel | null): Promise<void> {
  easel?.end()
  if (easel?.state.isChanged === true) {
    const choices = [{ name: "stay", word: words.mask.goOn }, { name: "discard", word: words.mask.discard }]
    const reply = await app.ask({ title: words.mask.lostTitle, text: words.mask.lost, choices })
    if (reply?.choice !== "discard") return
  }
  app.view.set({ masking: null })
}
