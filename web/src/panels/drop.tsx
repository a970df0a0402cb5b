import { useEffect, useState } from "react"
import { openFiles } from "~/commands/opening"
import type { Panel } from "~/panels/panel"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "drop", side: "bar", order: 120, draw: Drop }

/** Files that are dropped where nobody else takes them are opened. */
function Drop() {
  const app = useApp()
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true
    const over = (event: DragEvent): void => {
      if (event.defaultPrevented || !hasFiles(event)) {
        setOver(false)
        return
      }
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent): void => {
      setOver(false)
      if (event.defaultPrevented || !hasFiles(event)) return
      event.preventDefault()
      const point = { x: event.clientX, y: event.clientY }
      void openFiles(app, [...(event.dataTransfer?.files ?? [])], app.view.camera?.toGraph(point))
    }
    const listened = [["dragover", over], ["dragleave", leave], ["drop", drop]] as const
    for (const [name, heard] of listened) window.addEventListener(name, heard)
    return () => {
      for (const [name, heard] of listened) window.removeEventListener(name, heard)
    }
  }, [app])
  return isOver ? <p className="drop-hint">{words.files.drop}</p> : null
}
