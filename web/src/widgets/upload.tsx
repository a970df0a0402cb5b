import type { WidgetKind } from "~/widgets/widget"

/** The place that the ecosystem's files keep for an upload's button: the file's widget above it has its own. */
export const widget: WidgetKind = {
  fits: (widget) => widget.type === "IMAGEUPLOAD" || widget.type === "AUDIOUPLOAD",
  rank: 10,
  draw: null,
}
