/** A fresh node of a type, as it comes out of the library. */

import { outputsOf, type Definition } from "~/document/schema/definition"
import { layOut, MATCH } from "~/document/schema/layout"
import { uploadKind } from "~/document/schema/uploads"
import { ALWAYS, ANY, type Input, type Node, type NodeId, type Point } from "~/document/workflow"

const ROW = 24
const TEXT = 110
const WIDTH = 240
const PICTURE = 204 // what a node has at the least for the pictures that it will show
const UPLOAD = 160 // with the picture that is chosen

/** Make a node with its sockets and the values that its type begins with. */
export function nodeOfType(type: string, definition: Definition, id: NodeId, at: Point): Node {
  const layout = layOut(type, definition)
  const outputs = outputsOf(definition).map((each) => (each.type === MATCH ? { ...each, type: ANY } : each))
  const values = layout.widgets.flatMap(({ widget, value }) => (value === undefined ? [] : [[widget.key, value] as const]))
  const sockets = layout.inputs.filter((each) => each.widget === undefined).length
  const tall = layout.widgets.filter(({ widget }) => widget.options["multiline"] === true).length
  const uploads = layout.widgets.filter(({ widget }) => uploadKind(widget) !== undefined).length
  const rows = Math.max(sockets, outputs.length) + layout.widgets.length - tall
  const width = tall > 0 ? WIDTH * 1.5 : WIDTH
  return {
    id,
    type,
    at,
    size: { width, height: rows * ROW + tall * TEXT + uploads * UPLOAD + 12 + (showsPictures(definition, layout.inputs) ? PICTURE : 0) },
    mode: ALWAYS,
    flags: {},
    inputs: layout.inputs,
    outputs,
    values: Object.fromEntries(values),
    properties: { "Node name for S&R": type },
    rest: {},
  }
}

function showsPictures(definition: Definition, inputs: readonly Input[]): boolean {
  return definition.output_node === true && inputs.some((each) => each.type === "IMAGE" && each.widget === undefined)
}
