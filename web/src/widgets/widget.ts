/** What a widget is. Each kind is one file here that exports `widget`; widgets/all.ts finds them by themselves. */

import type { ComponentType } from "react"
import type { Json } from "~/document/json"
import type { Widget } from "~/document/schema/layout"
import type { NodeId } from "~/document/workflow"

export interface WidgetProps {
  readonly node: NodeId
  /** Its schema: `key`, `name`, `type`, `options` (min, max, step, multiline, ...). */
  readonly widget: Widget
  readonly value: Json | undefined
  /** Names the field for screen readers. */
  readonly label: string
  /** Give it another value. Until `onDone`, further changes are undone together with this one. */
  readonly onChange: (value: Json) => void
  /** The field was left, or the drag ended. */
  readonly onDone: () => void
}

export interface WidgetKind {
  /** Whether this kind draws a widget; of several the one with the higher `rank`. */
  fits(widget: Widget): boolean
  /** 0 unless said; special kinds, such as a picture's upload, stand above the basic ones. */
  readonly rank?: number
  /** Null for what takes a place in files and none on the canvas. */
  readonly draw: ComponentType<WidgetProps> | null
}
