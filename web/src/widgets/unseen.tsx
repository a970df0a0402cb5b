import type { WidgetKind } from "~/widgets/widget"

const TYPES = new Set(["IMAGEUPLOAD", "AUDIOUPLOAD", "AUDIO_UI", "PREVIEW_3D"])

/** Places that the ecosystem's files keep for buttons and players: the file's own widget, or the node's result, has these. */
export const widget: WidgetKind = { fits: (widget) => TYPES.has(widget.type), rank: 10, draw: null }
