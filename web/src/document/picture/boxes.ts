/** Where a node and its parts stand in a picture of the graph. */

import { linksInto } from "~/document/links"
import { valueOf, widgetsOf, type Place } from "~/document/schema/node_layout"
import { titleOf } from "~/document/schema/title"
import type { Widget } from "~/document/schema/layout"
import { INPUTS, isCollapsed, OUTPUTS, ROOT, TITLE_HEIGHT, type Boundary, type Graph, type Node, type NodeId, type Point, type Rect, type Size } from "~/document/workflow"
import { textOf, writeJson } from "~/document/json"

export const SOCKET = 24
const ROW = 28
const LEAST_TEXT = 60
const LEAST_PICTURE = 140
const LETTER = 7.5 // how wide one is, about

export interface Socket extends Point {
  readonly type: string
  readonly label: string
}

/** A line of a widget. One that is linked shows no value. */
export interface Row {
  readonly y: number
  readonly height: number
  readonly label: string
  readonly value: string | null
  readonly isText: boolean
}

/** All but `rect` is measured from the corner of the node, title included. */
export interface Box {
  readonly id: NodeId
  readonly title: string
  readonly rect: Rect
  readonly inputs: ReadonlyMap<string, Socket>
  readonly outputs: readonly Socket[]
  readonly rows: readonly Row[]
  /** Room for what the node made. */
  readonly picture: Rect | null
  /** None of a column of a subgraph's inputs or outputs. */
  readonly node: Node | null
}

/** `seen`: how large the node is drawn on the canvas, without its title; `hasPicture`: whether it shows one. */
export function boxOf(place: Place, node: Node, seen: Size | undefined, hasPicture: boolean): Box {
  const title = titleOf(place.workflow, place.definitions, node)
  if (isCollapsed(node)) return folded(node, title, seen)
  const size = seen ?? node.size
  const sockets = node.inputs.filter((each) => each.widget === undefined)
  const top = TITLE_HEIGHT + Math.max(sockets.length, node.outputs.length) * SOCKET
  const widgets = widgetsOf(place, node).filter((each) => each.type !== "" || each.controls !== undefined)
  const { rows, bottom } = rowsOf(place.graph, node, widgets, top, TITLE_HEIGHT + size.height - (hasPicture ? LEAST_PICTURE : 0))
  const height = Math.max(TITLE_HEIGHT + size.height, bottom + 6 + (hasPicture ? LEAST_PICTURE : 0))
  const middles = new Map(rows.map((row, at) => [widgets[at]?.name, row.y + Math.min(row.height, ROW) / 2]))
  const inputs = node.inputs.map((each) => {
    const line = sockets.indexOf(each)
    const y = line < 0 ? (middles.get(each.widget) ?? top) : TITLE_HEIGHT + (line + 0.5) * SOCKET
    return [each.name, { x: 0, y, type: each.type, label: line < 0 ? "" : (each.label ?? each.name) }] as const
  })
  return {
    ...{ id: node.id, title, node, rows },
    rect: { x: node.at.x, y: node.at.y - TITLE_HEIGHT, width: size.width, height },
    inputs: new Map(inputs),
    outputs: node.outputs.map((each, at) => ({ x: size.width, y: TITLE_HEIGHT + (at + 0.5) * SOCKET, type: each.type, label: each.label ?? each.name })),
    picture: hasPicture ? { x: 8, y: bottom + 4, width: size.width - 16, height: height - bottom - 12 } : null,
  }
}

/** Widgets below one another; texts share what is left of the node. */
function rowsOf(graph: Graph, node: Node, widgets: readonly Widget[], top: number, end: number): { rows: Row[]; bottom: number } {
  const linked = linksInto(graph, node.id)
  const isText = (widget: Widget): boolean => widget.options["multiline"] === true && !linked.has(widget.name)
  const texts = widgets.filter(isText).length
  const left = end - top - (widgets.length - texts) * ROW
  const tall = Math.max(LEAST_TEXT, texts === 0 ? 0 : left / texts)
  let y = top
  const rows = widgets.map((widget): Row => {
    const label = node.inputs.find((each) => each.widget === widget.name)?.label ?? widget.name
    const value = linked.has(widget.name) ? null : told(valueOf(node, widget))
    const row = { y, height: isText(widget) ? tall : ROW, label, value, isText: isText(widget) }
    y += row.height
    return row
  })
  return { rows, bottom: y }
}

function told(value: Parameters<typeof writeJson>[0]): string {
  if (value === undefined || value === null) return ""
  return typeof value === "object" || typeof value === "boolean" ? writeJson(value) : textOf(value)
}

function folded(node: Node, title: string, seen: Size | undefined): Box {
  const width = seen?.width ?? Math.max(80, 50 + title.length * LETTER)
  const socket = { y: TITLE_HEIGHT / 2, label: "" }
  return {
    ...{ id: node.id, title, node, rows: [], picture: null },
    rect: { x: node.at.x, y: node.at.y - TITLE_HEIGHT, width, height: TITLE_HEIGHT },
    inputs: new Map(node.inputs.map((each) => [each.name, { ...socket, x: 0, type: each.type }])),
    outputs: node.outputs.map((each) => ({ ...socket, x: width, type: each.type })),
  }
}

/** The columns of a subgraph's own inputs and outputs; the root has none. */
export function columnsOf(graph: Graph, titles: { readonly inputs: string; readonly outputs: string }): Box[] {
  if (graph.id === ROOT) return []
  const column = (id: NodeId, title: string, at: Rect, slots: readonly Boundary[]): Box => {
    const width = Math.max(at.width, 28 + LETTER * Math.max(...slots.map((each) => (each.label ?? each.name).length), title.length))
    const sockets = slots.map((each, line) => ({
      ...{ x: id === INPUTS ? width : 0, y: TITLE_HEIGHT + (line + 0.5) * SOCKET },
      ...{ type: each.type, label: each.label ?? each.name },
    }))
    return {
      ...{ id, title, node: null, rows: [], picture: null },
      rect: { x: at.x, y: at.y, width, height: TITLE_HEIGHT + slots.length * SOCKET + 6 },
      inputs: id === INPUTS ? new Map() : new Map(slots.flatMap((each, line) => (sockets[line] === undefined ? [] : [[each.id, sockets[line]]]))),
      outputs: id === INPUTS ? sockets : [],
    }
  }
  return [
    column(INPUTS, titles.inputs, graph.inputColumn, graph.inputs),
    column(OUTPUTS, titles.outputs, graph.outputColumn, graph.outputs),
  ]
}
