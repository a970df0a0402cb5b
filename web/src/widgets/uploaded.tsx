import { useRef, useState, type DragEvent } from "react"
import { fileNamed, folderOf, uploadKind, type UploadKind } from "~/document/schema/uploads"
import { mediumOf } from "~/document/media"
import { maskingOf } from "~/state/masking"
import { useApp } from "~/state/use"
import { Choices } from "~/widgets/choices"
import { Player } from "~/widgets/player"
import type { WidgetKind, WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"
import "~/widgets/uploaded.css"

/** A choice among uploaded files: others are brought by a click, by dropping, or from the clipboard. */
export const widget: WidgetKind = {
  fits: (widget) => uploadKind(widget) !== undefined,
  rank: 10,
  draw: Uploaded,
}

interface Brought {
  /** Of the media types that are taken. */
  readonly takes: RegExp
  readonly accept: string
  readonly subfolder: string
}

const KINDS: Readonly<Record<UploadKind, Brought>> = {
  image: { takes: /^image\//, accept: "image/*", subfolder: "" },
  video: { takes: /^(video\/|image\/(gif|webp|apng))/, accept: "video/*,image/gif,image/webp,image/apng", subfolder: "" },
  audio: { takes: /^(audio|video)\//, accept: "audio/*,video/*", subfolder: "" }, // a film's sound is taken too
  file: { takes: /(?:)/, accept: "", subfolder: "3d" }, // models of bodies are what the ecosystem's nodes load so
}

function Uploaded(props: WidgetProps) {
  const { widget, value, label, onChange, onDone } = props
  const app = useApp()
  const picker = useRef<HTMLInputElement>(null)
  const [isOver, setOver] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const kind = uploadKind(widget) ?? "file"
  const { takes, accept, subfolder } = KINDS[kind]

  const take = (files: Iterable<File>): boolean => {
    const file = [...files].find((each) => takes.test(each.type))
    if (file === undefined) return false
    setBusy(true)
    app
      .bringFile(file, subfolder)
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
      className={isOver ? "nodrag widget-uploaded over" : "nodrag widget-uploaded"}
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
        if (!take(event.dataTransfer.files)) app.tell("error", words.widgets.notTaken[kind])
      }}
      onPaste={(event) => {
        if (!take(event.clipboardData.files)) return
        event.preventDefault()
        event.stopPropagation()
      }}
    >
      <Choices {...props} />
      {name !== "" && kind !== "image" && <Preview name={name} {...props} />}
      <button
        type="button"
        className="widget-drop"
        aria-label={words.widgets.bring[kind](label)}
        disabled={isBusy}
        onClick={() => {
          picker.current?.click()
        }}
      >
        {name !== "" && kind === "image" && <Preview name={name} {...props} />}
        <span>{isBusy ? words.widgets.bringing : words.widgets.drop[kind]}</span>
      </button>
      {name !== "" && kind === "image" && <MaskButton {...props} />}
      <input
        ref={picker}
        type="file"
        accept={accept}
        hidden
        aria-label={words.widgets.bring[kind](label)}
        onChange={(event) => {
          take(event.target.files ?? [])
          event.target.value = ""
        }}
      />
    </div>
  )
}

function Preview({ name, widget }: WidgetProps & { readonly name: string }) {
  const { server } = useApp()
  const [gone, setGone] = useState<string | null>(null)
  const file = fileNamed(name, folderOf(widget))
  const medium = mediumOf(file.filename)
  if (medium === "other") return null
  if (medium !== "image") return <Player key={name} file={file} medium={medium} />
  if (gone === name) return <em>{words.widgets.notThere(name)}</em>
  return (
    <img
      key={name}
      src={server.fileUrl(file, "webp;80")}
      alt={name}
      onError={() => {
        setGone(name)
      }}
    />
  )
}

function MaskButton({ node, widget }: WidgetProps) {
  const app = useApp()
  return (
    <button
      type="button"
      className="widget-mask"
      onClick={() => {
        app.view.set({ masking: maskingOf(app, node, widget.key) })
      }}
    >
      {words.commands.paintMask}
    </button>
  )
}
