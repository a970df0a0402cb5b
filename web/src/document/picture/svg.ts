/** A picture of the graph as SVG, which carries the workflow: it is opened like the workflow's own file. */

import { boxOf, columnsOf, type Box, type Row } from "~/document/picture/boxes"
import { bendsOf, curve } from "~/document/picture/curves"
import { fitted, linesOf } from "~/document/picture/lines"
import { writeJson, type JsonObject } from "~/document/json"
import { colourOf } from "~/document/schema/colours"
import type { Place } from "~/document/schema/node_layout"
import { BYPASSED, MUTED, TITLE_HEIGHT, type Group, type Link, type NodeId, type Point, type Rect, type Size } from "~/document/workflow"

/** The colours of the page, as CSS writes them. */
export interface Look {
  readonly page: string
  readonly surface: string
  readonly raised: string
  readonly line: string
  readonly text: string
  readonly faint: string
}

export interface Drawing {
  readonly place: Place
  readonly look: Look
  /** How large a node is drawn on the canvas, without its title, where it is. */
  sizeOf(id: NodeId): Size | undefined
  /** What nodes made, as data: URLs. */
  readonly pictures: ReadonlyMap<NodeId, string>
  /** What the columns of a subgraph's inputs and outputs are called. */
  readonly titles: { readonly inputs: string; readonly outputs: string }
  /** The workflow's file. */
  readonly workflow: JsonObject
}

const MARGIN = 40
const FONT = 13

/** Draw the shown graph; the root element has the size of the graph in pixels. */
export function drawGraph(drawing: Drawing): { svg: string; size: Size } {
  const { place, look } = drawing
  const { graph } = place
  const boxes = [
    ...columnsOf(graph, drawing.titles),
    ...[...graph.nodes.values()].map((node) => boxOf(place, node, drawing.sizeOf(node.id), drawing.pictures.has(node.id))),
  ]
  const groups = [...graph.groups.values()]
  const frame = frameOf([...boxes.map((each) => each.rect), ...groups.map((each) => ({ ...each.at, ...each.size }))])
  const byId = new Map(boxes.map((each) => [each.id, each]))
  const parts = [
    `<metadata><![CDATA[${writeJson({ workflow: drawing.workflow }).replaceAll("]]>", "]]\\u003e")}]]></metadata>`,
    element("rect", { ...frame, fill: look.page }),
    ...groups.map((group) => groupOf(group, look)),
    ...[...graph.links.values()].map((link) => linkOf(drawing, link, byId)),
    ...boxes.map((box) => nodeOf(box, look, drawing.pictures.get(box.id))),
  ]
  const { x, y, width, height } = frame
  const svg = element(
    "svg",
    {
      ...{ xmlns: "http://www.w3.org/2000/svg", viewBox: `${x} ${y} ${width} ${height}`, width, height },
      ...{ "font-family": "system-ui, sans-serif", "font-size": FONT, fill: look.text },
    },
    parts.join("\n"),
  )
  return { svg: `${svg}\n`, size: { width, height } }
}

function frameOf(rects: readonly Rect[]): Rect {
  if (rects.length === 0) return { x: 0, y: 0, width: 2 * MARGIN, height: 2 * MARGIN }
  const x = Math.floor(Math.min(...rects.map((each) => each.x))) - MARGIN
  const y = Math.floor(Math.min(...rects.map((each) => each.y))) - MARGIN
  const right = Math.ceil(Math.max(...rects.map((each) => each.x + each.width))) + MARGIN
  const bottom = Math.ceil(Math.max(...rects.map((each) => each.y + each.height))) + MARGIN
  return { x, y, width: right - x, height: bottom - y }
}

type Attributes = Readonly<Record<string, string | number | undefined>>

function element(name: string, attributes: Attributes, content = ""): string {
  const told = Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [` ${key}="${escaped(String(value))}"`]))
  return content === "" ? `<${name}${told.join("")}/>` : `<${name}${told.join("")}>${content}</${name}>`
}

/** A text as XML; what XML cannot hold is left out. */
function escaped(text: string): string {
  const held = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
  return held.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
}

function text(at: Point, content: string, more: Attributes = {}): string {
  return element("text", { ...at, ...more }, escaped(content))
}

function groupOf(group: Group, look: Look): string {
  const fill = group.color ?? "#3f789e"
  return [
    element("rect", { ...group.at, ...group.size, rx: 8, fill, "fill-opacity": 0.22, stroke: fill }),
    text({ x: group.at.x + 10, y: group.at.y + 24 }, group.title, { "font-size": 18, "font-weight": 600, fill: look.text }),
  ].join("")
}

function linkOf({ place }: Drawing, link: Link, boxes: ReadonlyMap<NodeId, Box>): string {
  const points = bendsOf(place.graph, link, boxes)
  if (points === null) return ""
  const stroke = colourOf(link.type)
  const dots = points.slice(1, -1).map(({ x, y }) => element("circle", { cx: x, cy: y, r: 6, fill: stroke }))
  return [element("path", { d: curve(points), fill: "none", stroke, "stroke-width": 2.5 }), ...dots].join("")
}

function nodeOf(box: Box, look: Look, picture: string | undefined): string {
  const { node, rect, title } = box
  const { width, height } = rect
  const fill = node?.bgcolor ?? look.surface
  const header = node?.color ?? look.raised
  const corner = Math.min(8, height / 2)
  const heading = `M0 ${TITLE_HEIGHT}V${corner}a${corner} ${corner} 0 0 1 ${corner} -${corner}H${width - corner}a${corner} ${corner} 0 0 1 ${corner} ${corner}V${TITLE_HEIGHT}z`
  const parts = [
    element("rect", { width, height, rx: corner, fill }),
    element("path", { d: heading, fill: header }),
    clipped({ x: 10, y: 0, width: width - 20, height: TITLE_HEIGHT }, text({ x: 0, y: 20 }, fitted(title, width - 20, FONT + 1), { "font-weight": 600, fill: node?.color === undefined ? undefined : "#fff" })),
    ...[...box.inputs.values()].filter((each) => each.label !== "").map((each) => text({ x: 12, y: each.y + 4.5 }, each.label)),
    ...box.outputs.map((each) => text({ x: width - 12, y: each.y + 4.5 }, each.label, { "text-anchor": "end" })),
    ...box.rows.map((row) => rowOf(row, width, look)),
    picture === undefined || box.picture === null ? "" : element("image", { ...box.picture, href: picture }),
    element("rect", { ...{ width, height, rx: corner, fill: "none", stroke: look.line }, "stroke-dasharray": node?.mode === BYPASSED ? "6 4" : undefined }),
    ...[...box.inputs.values(), ...box.outputs].map((each) => element("circle", { cx: each.x, cy: each.y, r: 5, fill: colourOf(each.type), stroke: look.surface })),
  ]
  const opacity = node?.mode === MUTED ? 0.5 : node?.mode === BYPASSED ? 0.7 : undefined
  return element("g", { transform: `translate(${rect.x} ${rect.y})`, opacity }, parts.join(""))
}

/** A part whose content ends where it does. */
function clipped(rect: Rect, content: string): string {
  return element("svg", { ...rect }, content)
}

function rowOf({ y, height, label, value, isText }: Row, width: number, look: Look): string {
  const left = isText ? 10 : 10 + (width - 26) * 0.4
  const field = { x: left, y: y + 2, width: width - 10 - left, height: height - 4 }
  const name = isText ? "" : clipped({ x: 10, y, width: left - 16, height }, text({ x: 0, y: 18 }, fitted(label, left - 18, FONT), { fill: look.faint }))
  if (value === null) return name
  const lines = isText ? linesOf(value, field.width - 16, FONT) : [fitted(value, field.width - 16, FONT)]
  const content = lines.map((line, at) => text({ x: 8, y: 16 + at * 18 }, line)).join("")
  return [
    name,
    element("rect", { ...field, rx: 6, fill: look.raised, stroke: look.line }),
    clipped(field, content),
  ].join("")
}

