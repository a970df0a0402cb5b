/** Which saved value belongs to which widget: by position, by name, and as older editors wrote them. */

import { isList, isObject, type Json, type JsonObject } from "~/document/json"
import { COMBO, inputsOf, type Definition, type InputSpec } from "~/document/schema/definition"
import { choicesOf, hasWidget, layOut, type Layout, type ValueOf, type Widget } from "~/document/schema/layout"

/** What a file says of a node's values. */
export interface SavedValues {
  readonly type: string
  /** `widgets_values`: a list, an object or nothing. */
  readonly values: Json | undefined
  /** `widgets_values_named`. */
  readonly named: JsonObject
}

/**
 * Lay out a saved node with its values. Values are neither checked nor clamped: a model's name stays.
 *
 * Positions count when the list is as long as the widgets ask for; otherwise names do, where the file has them.
 */
export function layOutSaved(saved: SavedValues, definition: Definition): Layout {
  let values = saved.values
  if (isObject(values)) {
    const named = values
    values = inKeyOrder(named)
    const fresh = layOut(saved.type, definition, byName(saved.type, named))
    if (fresh.widgets.some(({ widget }) => widget.name in named)) return fresh
  }
  const list = withoutForced(definition, isList(values) ? values : [])
  let next = 0
  const byPosition: ValueOf = (widget) => {
    if (!widget.isSaved) return widget.default
    next += 1
    return next > list.length ? widget.default : read(saved.type, widget, list[next - 1])
  }
  const layout = layOut(saved.type, definition, byPosition)
  if (Object.keys(saved.named).length > 0 && next !== list.length) {
    return layOut(saved.type, definition, byName(saved.type, saved.named))
  }
  return layout
}

function byName(type: string, values: JsonObject): ValueOf {
  return (widget) => (widget.name in values ? read(type, widget, values[widget.name]) : widget.default)
}

function read(type: string, widget: Widget, value: Json | undefined): Json | undefined {
  if (value === null && widget.type === "STRING") return ""
  if (value === null && widget.type === COMBO) return choicesOf(widget)[0] ?? null
  if (widget.name === "sampler_name" && ["KSampler", "KSamplerAdvanced"].includes(type) && typeof value === "string") {
    return value.replace(/^sample_/, "") // old files have the name of the function
  }
  return value
}

/** An object's values as a list; array-like objects have numbers for keys, and a length. */
function inKeyOrder(values: JsonObject): Json[] {
  const keys = Object.keys(values).filter((key) => key !== "length")
  const isArrayLike = keys.every((key) => /^\d+$/.test(key))
  const ordered = isArrayLike ? keys.sort((a, b) => Number(a) - Number(b)) : Object.keys(values)
  return ordered.map((key) => values[key] ?? null)
}

/** Drop the dummies that files of old editors hold for inputs that are sockets by force. */
function withoutForced(definition: Definition, values: readonly Json[]): readonly Json[] {
  const specs = inputsOf(definition)
  if (specs.some((each) => each.type === "COMFY_DYNAMICGROUP_V3")) return values
  const isDummy = specs.flatMap(dummies)
  if (!isDummy.includes(true) || isDummy.length !== values.length) return values
  return values.filter((_, at) => isDummy[at] !== true)
}

/** One entry for each value that an old editor saved for this input: whether it is a dummy. */
function dummies(spec: InputSpec): boolean[] {
  const isForced = Boolean(spec.options["forceInput"])
  if (!isForced && !hasWidget(spec)) return []
  return spec.options["control_after_generate"] ? [isForced, false] : [isForced]
}
