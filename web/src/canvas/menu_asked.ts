/** Where a menu is asked for: by the right button, by the menu key, or by a finger that stays. */

import { useEffect, type RefObject } from "react"
import type { LooseEnd } from "~/document/edits/add"
import type { Point } from "~/document/workflow"
import type { App } from "~/state/app"

/** Open the menu for what an element of the canvas belongs to; false where the browser's own is better. */
export function askForMenu({ editor, view }: App, element: EventTarget | null, at: Point): boolean {
  if (!(element instanceof Element) || element.closest("input, textarea, img, .palette-behind, .menu-behind") !== null) return false
  const id = element.closest<HTMLElement>("[data-slot]")?.dataset["slot"] ?? element.closest<HTMLElement>(".react-flow__node")?.dataset["id"]
  const link = element.closest<HTMLElement>(".react-flow__edge")?.dataset["id"]
  const under = id ?? (link === undefined ? undefined : `link:${link}`)
  if (under === undefined) editor.select([])
  else if (!editor.state.selected.has(under)) editor.select([under])
  view.set({ menu: at, pointed: socketUnder(element) })
  return true
}

/** The socket at whose row an element stands. */
function socketUnder(element: Element): LooseEnd | null {
  const node = element.closest<HTMLElement>(".react-flow__node")?.dataset["id"]
  const row = element.closest<HTMLElement>("[data-input], [data-output]")
  if (node === undefined || row === null) return null
  const { input, output } = row.dataset
  return input === undefined ? { from: { node, output: Number(output) } } : { to: { node, input } }
}

const HELD = 500 // milliseconds
const SLACK = 10 // pixels that a finger may tremble

/** A finger that stays where it was put asks for the menu. It is heard before React Flow, which keeps touches to itself. */
export function useLongPress(app: App, area: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = area.current
    if (element === null) return
    let timer = 0
    let start: Point = { x: 0, y: 0 }
    const stop = (): void => {
      clearTimeout(timer)
    }
    const onStart = (event: TouchEvent): void => {
      stop()
      const [touch] = event.touches
      if (touch === undefined || event.touches.length > 1) return
      const { target } = event
      start = { x: touch.clientX, y: touch.clientY }
      timer = window.setTimeout(() => askForMenu(app, target, start), HELD)
    }
    const onMove = (event: TouchEvent): void => {
      const [touch] = event.touches
      if (touch !== undefined && Math.hypot(touch.clientX - start.x, touch.clientY - start.y) > SLACK) stop()
    }
    const how = { capture: true, passive: true }
    element.addEventListener("touchstart", onStart, how)
    element.addEventListener("touchmove", onMove, how)
    element.addEventListener("touchend", stop, how)
    element.addEventListener("touchcancel", stop, how)
    return () => {
      stop()
      element.removeEventListener("touchstart", onStart, how)
      element.removeEventListener("touchmove", onMove, how)
      element.removeEventListener("touchend", stop, how)
      element.removeEventListener("touchcancel", stop, how)
    }
  }, [app, area])
}
