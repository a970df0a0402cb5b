/** What a panel is. Each is one file here that exports `panel`; panels/all.ts finds them by themselves. */

import type { ComponentType } from "react"

export interface Panel {
  /** A key of `words.panels`; `app.togglePanel(name)` opens and closes it. */
  readonly name: string
  /** Where it stands. `overlay` covers the canvas, as a dialog does; `bar` is always there. */
  readonly side: "left" | "right" | "bottom" | "overlay" | "bar"
  /** Lower stands first. */
  readonly order?: number
  readonly draw: ComponentType
}
