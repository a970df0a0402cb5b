import { useRef, useState, type DragEvent } from "react"
import { COMBO } from "~/document/schema/definition"
import { Choices } from "~/widgets/choices"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { fileNamed, folderOf } from "~/document/schema/uploads"
import { maskingOf } from "~/state/masking"
import { useApp } from "~/state/use"
import { words } from "~/words/words"
import "~/widgets/picture.css"

/** A choice among uploaded pictures: others are brought by a click, by dropping, or from the clipboard. */
export const widget: WidgetKind = {
  fits: (widget) => widget.type === COMBO && widget.options["image_upload"] === true,
  rank: 10,
  draw: Picture,
}

const PICTURE = /^image\//

function Picture(props: WidgetProps) {
  const { node, widget, value, label, onChange, onDone } = props
  const app = useApp()
  const picker = useRef<HTMLInputElement>(null)
  const [isOver, setOver] = useState(false)
  const [isBusy, setBusy] = useState(false)

  const take = (files: Iterable<File>): boolean => {
    const file = [...files].find((each) => PICTURE.test(each.type))
    if (file === undefined) return false
    setBusy(true)
    app
      .bringPicture(file)
      .then((name) => {
        onChange(name)
        onDone()
      })
      .catch((error: unknown) => {
        app.tell("error", words.widgets.notBrought(file.name, error instanceof Error ? error.message : String(error)))
      })
      .finally(() => {
        setBusy(false)
      })
    return true
  }
  const drag = (event: DragEvent, is: boolean): void => {
    if (!event.dataTransfer.types.includes("Files")) return
    event.preventDefault()
    event.stopPropagation()
    setOver(is)
  }
  const name = typeof value === "string" ? value : ""
  return (
    <div
      className={isOver ? "nodrag widget-picture over" : "nodrag widget-picture"}
      onDragEnter={(event) => {
        drag(event, true)
      }}
      onDragOver={(event) => {
        drag(event, true)
      }}
      onDragLeave={(event) => {
        drag(event, false)
      }}
      onDrop={(event) => {
        drag(event, false)
        take(event.dataTransfer.files)
      }}
      onPaste={(event) => {
        if (!take(event.clipboardData.files)) return
        event.preventDefault()
        event.stopPropagation()
      }}
    >
      <Choices {...props} />
      <button
        type="button"
        className="widget-picture-drop"
        aria-label={words.widgets.bring(label)}
        disabled={isBusy}
        onClick={() => {
          picker.current?.click()
        }}
      >
        {name !== "" && <img key={name} src={app.server.fileUrl(fileNamed(name, folderOf(widget)), "webp;80")} alt={name} />}
        <span>{isBusy ? words.widgets.bringing : words.widgets.drop}</span>
      </button>
      {name !== "" && (
        <button
          type="button"
          className="widget-picture-mask"
          onClick={() => {
            app.view.set({ masking: maskingOf(app, node, widget.key) })
          }}
        >
          {words.commands.paintMask}
        </button>
      )}
      <input
        ref={picker}
        type="file"
        accept="image/*"
        hidden
        aria-label={words.widgets.bring(label)}
        onChange={(event) => {
          take(event.target.files ?? [])
          event.target.value = ""
        }}
      />
    </div>
  )
}
