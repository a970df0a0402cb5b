import type { WidgetKind } from "~/widgets/widget"

/** The place that the ecosystem's files keep for an upload's button: the picture above it has its own. */
export const widget: WidgetKind = {
  fits: (widget) => widget.type === "IMAGEUPLOAD",
  rank: 10,
  draw: () => null,
}
