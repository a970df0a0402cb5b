/** Which node on the page has the focus, and giving it to one. */

import type { App } from "~/state/app"
import type { Focused } from "~/state/view"

const MOST_FRAMES = 60
const FIELDS = "input:not([type=hidden]), textarea, select, button:not(.fold, .enter, [tabindex='-1']), [tabindex='0'], a[href], summary"

function elementOf(id: string): HTMLElement | null {
  return document.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"]`)
}

/** Give a node the focus: in one of the next frames, as it may not be drawn yet. */
export function focusOn(id: string, frames = 0): void {
  const found = elementOf(id)
  found?.focus({ preventScroll: true })
  if (frames < MOST_FRAMES && (found === null || document.activeElement !== found)) {
    requestAnimationFrame(() => {
      focusOn(id, frames + 1)
    })
  }
}

/** Give the first field of a node the focus, else its first button. */
export function focusInto(id: string): void {
  elementOf(id)?.querySelector<HTMLElement>(FIELDS)?.focus({ preventScroll: true })
}

/** Select a node that the focus came to by a key. */
export function selectFocused({ editor }: App, target: EventTarget): void {
  if (!(target instanceof HTMLElement) || !target.matches(".react-flow__node:focus-visible")) return
  const id = target.dataset["id"]
  if (id !== undefined && editor.graph.nodes.has(id) && !editor.state.selected.has(id)) editor.select([id])
}

/** The node that has the focus, itself or by something in it. */
export function focused(): Focused | null {
  const active = document.activeElement
  const node = active?.closest<HTMLElement>(".react-flow__node")
  const id = node?.dataset["id"]
  return id === undefined ? null : { node: id, isInside: active !== node }
}
