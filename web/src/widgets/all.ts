/** Every kind of widget, and the one that draws a widget. */

import type { Widget } from "~/document/schema/layout"
import type { WidgetKind } from "~/widgets/widget"

const files = import.meta.glob<{ widget?: WidgetKind }>("./*.tsx", { eager: true })

const kinds: readonly WidgetKind[] = Object.values(files)
  .flatMap(({ widget }) => (widget === undefined ? [] : [widget]))
  .sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0))

/** The kind that draws a widget; undefined for one that nothing draws. */
export function kindFor(widget: Widget): WidgetKind | undefined {
  return kinds.find((each) => each.fits(widget))
}
