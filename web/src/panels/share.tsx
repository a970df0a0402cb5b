import { useMemo, useRef, useState } from "react"
import { Dialog } from "~/panels/dialog"
import type { Panel } from "~/panels/panel"
import { linkTo } from "~/state/share"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "share", side: "overlay", draw: Share }

const LONG = 8000 // characters, which mail and chat programs still pass on

/** The link that carries the shown workflow. */
function Share() {
  const app = useApp()
  const link = useMemo(() => linkTo(app, app.editor.workflow, app.active.name), [app])
  const [isCopied, setCopied] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const copy = async (): Promise<void> => {
    field.current?.select()
    if (window.isSecureContext) await navigator.clipboard.writeText(link)
    else document.execCommand("copy") // eslint-disable-line @typescript-eslint/no-deprecated -- plain http has no other
    setCopied(true)
  }
  return (
    <Dialog
      title={words.panels.share}
      onClose={() => {
        app.togglePanel("share")
      }}
    >
      <p>{words.share.text}</p>
      {link.length > LONG && <p className="warning">{words.share.long}</p>}
      <div className="field-row">
        <label className="field">
          {words.share.link}
          <input ref={field} readOnly value={link} />
        </label>
        <button
          className="primary"
          onClick={() => {
            copy().catch((error: unknown) => {
              app.tell("error", String(error))
            })
          }}
        >
          {isCopied ? words.share.copied : words.share.copy}
        </button>
      </div>
    </Dialog>
  )
}
