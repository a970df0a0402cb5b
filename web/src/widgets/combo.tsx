import { COMBO } from "~/document/schema/definition"
import { Choices } from "~/widgets/choices"
import type { WidgetKind } from "~/widgets/widget"

export const widget: WidgetKind = { fits: (widget) => widget.type === COMBO, draw: Choices }
