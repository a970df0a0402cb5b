import { useEffect, useRef } from "react"
import { Compare } from "~/panels/compare"
import type { Panel } from "~/panels/panel"
import { PictureActions } from "~/panels/picture_actions"
import type { Looking } from "~/state/app"
import { useApp, useShell } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/lightbox.css"

export const panel: Panel = { name: "lightbox", side: "bar", order: 90, draw: Lightbox }

/** One picture as large as the window, and what can be done with it; the arrow keys show the next. */
function Lightbox() {
  const looking = useShell((state) => state.looking)
  return looking === null ? null : <Shown {...looking} />
}

function Shown({ files, at, beside }: Looking) {
  const app = useApp()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  const file = files[at]
  const other = beside === null ? undefined : files[beside]
  if (file === undefined) return null
  const turn = (by: number) => {
    app.look(files, (at + by + files.length) % files.length, beside)
  }
  return (
    <dialog
      ref={dialog}
      className="lightbox"
      aria-label={file.filename}
      onClose={() => {
        app.lookAway()
      }}
      onKeyDown={(event) => {
        if (event.target instanceof HTMLInputElement) return
        if (event.key === "ArrowRight") turn(1)
        if (event.key === "ArrowLeft") turn(-1)
      }}
    >
      <header>
        <strong>{file.filename}</strong>
        {files.length > 1 && <span>{words.gallery.count(at + 1, files.length)}</span>}
        <PictureActions file={file} />
        {files.length > 1 && (
          <button
            aria-pressed={beside !== null}
            onClick={() => {
              app.look(files, at, beside === null ? (at + 1) % files.length : null)
            }}
          >
            {words.gallery.compare}
          </button>
        )}
        <button
          aria-label={words.gallery.close}
          onClick={() => {
            dialog.current?.close()
          }}
        >
          ×
        </button>
      </header>
      <div className="lightbox-middle">
        {files.length > 1 && (
          <button
            aria-label={words.gallery.previous}
            onClick={() => {
              turn(-1)
            }}
          >
            ‹
          </button>
        )}
        {other === undefined ? (
          <img src={app.server.fileUrl(file)} alt={file.filename} />
        ) : (
          <Compare left={app.server.fileUrl(file)} right={app.server.fileUrl(other)} names={[file.filename, other.filename]} />
        )}
        {files.length > 1 && (
          <button
            aria-label={words.gallery.next}
            onClick={() => {
              turn(1)
            }}
          >
            ›
          </button>
        )}
      </div>
      {other !== undefined && (
        <label>
          {words.gallery.with}{" "}
          <select
            value={beside ?? 0}
            onChange={(event) => {
              app.look(files, at, Number(event.target.value))
            }}
          >
            {files.map((each, index) => (
              <option key={index} value={index}>
                {each.filename}
              </option>
            ))}
          </select>
        </label>
      )}
    </dialog>
  )
}
