import { useEffect } from "react"
import { copyText } from "~/document/clipboard"
import { isSlotKey } from "~/document/edits/slots"
import { removeSelected } from "~/document/edits/selection"
import { paste, pastePicture } from "~/state/pasting"
import { useApp } from "~/state/use"

/** Answers the browser's copy, cut and paste, so that parts of a workflow go into other windows too; it draws nothing. */
export function ClipboardLink() {
  const app = useApp()
  useEffect(() => {
    const onCopy = (event: ClipboardEvent): void => {
      const { editor } = app
      const { selected } = editor.state
      if (isOfText(event) || ![...selected].some((id) => !isSlotKey(id)) || event.clipboardData === null) return
      event.clipboardData.setData("text/plain", copyText(editor.workflow, editor.graph.id, selected, app.state.definitions))
      event.preventDefault()
      if (event.type === "cut") app.relink(removeSelected(editor.workflow, editor.graph, selected))
    }
    let withShift = false
    const onKey = (event: KeyboardEvent): void => {
      withShift = event.shiftKey // what pastes does not tell by which keys
    }
    const onPaste = (event: ClipboardEvent): void => {
      if (event.defaultPrevented || isOfText(event)) return
      const held = event.clipboardData
      if (paste(app, held?.getData("text/plain") ?? "", { isLinked: withShift }) || pastePicture(app, held?.files ?? [])) event.preventDefault()
    }
    document.addEventListener("keydown", onKey, true)
    document.addEventListener("copy", onCopy)
    document.addEventListener("cut", onCopy)
    document.addEventListener("paste", onPaste)
    return () => {
      document.removeEventListener("keydown", onKey, true)
      document.removeEventListener("copy", onCopy)
      document.removeEventListener("cut", onCopy)
      document.removeEventListener("paste", onPaste)
    }
  }, [app])
  return null
}

/** Whether a text is copied, or pasted into a field. */
function isOfText(event: ClipboardEvent): boolean {
  const { target } = event
  if (target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))) return true
  return event.type !== "paste" && getSelection()?.isCollapsed === false
}
