/** The document as React Flow wants it: the same node gives the same object, so that only what changed is drawn. */

import { Position, type Edge, type Node as FlowNode } from "@xyflow/react"
import { pointsOf } from "~/document/edits/drawn"
import type { Box } from "~/document/picture/boxes"
import { linksInto } from "~/document/links"
import { INPUTS, isCollapsed, OUTPUTS, ROOT, TITLE_HEIGHT, type Boundary, type Graph, type Group, type Link, type Node, type NodeId, type Point, type Reroute } from "~/document/workflow"
import { colourOf } from "~/document/schema/colours"

const SOCKET_SIZE = 11 // as in canvas.css
const BEHIND = -1001 // what is selected is drawn 1000 higher

export interface NodeData extends Record<string, unknown> {
  readonly node: Node
  /** The names of the linked inputs, one a line. */
  readonly linked: string
}

export type DrawnNode = FlowNode<NodeData, "node">
export type DrawnGroup = FlowNode<{ readonly group: Group }, "box">
export type DrawnReroute = FlowNode<{ readonly reroute: Reroute }, "reroute">
/** The inputs or the outputs of the subgraph that is shown. */
export type DrawnColumn = FlowNode<{ readonly slots: readonly Boundary[] }, "column">
/** A node seen from afar, as large as it is and no more. */
export type DrawnBox = FlowNode<NodeData, "afar">
export type Drawn = DrawnNode | DrawnBox | DrawnGroup | DrawnReroute | DrawnColumn
export type DrawnLink = Edge<{ readonly points: readonly Point[] }, "link">

const datas = new WeakMap<Node, NodeData>()

/** A node with what it is drawn by; the same object as before where neither became another. */
export function dataOf(graph: Graph, node: Node): NodeData {
  const linked = [...linksInto(graph, node.id).keys()].sort().join("\n")
  const known = datas.get(node)
  if (known?.linked === linked) return known
  const data = { node, linked }
  datas.set(node, data)
  return data
}

export type Boxes = ReadonlyMap<NodeId, Box>
export type Measured = ReadonlyMap<string, { readonly width: number; readonly height: number }>

const drawn = new WeakMap<object, Drawn>()

/** What is drawn of a thing; the same object as before while it is selected and as large as it was. */
function kept<D extends Drawn>(key: object, id: string, selected: ReadonlySet<string>, measured: Measured, make: () => D): D {
  const old = drawn.get(key) as D | undefined
  const isSelected = selected.has(id)
  const size = measured.get(id)
  if (old !== undefined && old.selected === isSelected && old.measured === size) return old
  const fresh = { ...make(), id, selected: isSelected, ...(size === undefined ? {} : { measured: size }) }
  drawn.set(key, fresh)
  return fresh
}

/** What lies on the canvas. What is as it was stays the same object. From afar nodes are drawn as their boxes. */
export function drawnNodes(graph: Graph, selected: ReadonlySet<string>, measured: Measured, boxes: Boxes, isAfar: boolean): Drawn[] {
  const groups = [...graph.groups.values()].map((group) =>
    kept<DrawnGroup>(group, `group:${group.id}`, selected, measured, () => ({
      id: "",
      type: "box",
      position: group.at,
      data: { group },
      zIndex: BEHIND,
      initialWidth: group.size.width, // so that its title can be typed at once
      initialHeight: group.size.height,
      style: { ...group.size },
    })),
  )
  const nodes = [...graph.nodes.values()].map((node) => {
    const data = dataOf(graph, node)
    const box = boxes.get(node.id)
    if (isAfar && box !== undefined) return boxFrom(box, data, selected.has(node.id))
    return kept<DrawnNode>(data, node.id, selected, measured, () => ({
      id: "",
      type: "node",
      position: { x: node.at.x, y: node.at.y - TITLE_HEIGHT },
      data,
      dragHandle: ".node",
      ...(box === undefined || measured.has(node.id) ? {} : unseen(box)),
      domAttributes: { "aria-labelledby": `title-${node.id}` },
      style: isCollapsed(node) ? {} : { width: node.size.width, minHeight: node.size.height + TITLE_HEIGHT },
    }))
  })
  const reroutes = [...graph.reroutes.values()].map((reroute) =>
    kept<DrawnReroute>(reroute, `reroute:${reroute.id}`, selected, measured, () => ({
      id: "",
      type: "reroute",
      position: reroute.at,
      origin: [0.5, 0.5],
      data: { reroute },
    })),
  )
  return [...groups, ...columns(graph, measured), ...nodes, ...reroutes]
}

/** What stands for the size and sockets of a node until it comes into sight and is measured. */
function unseen({ rect, inputs, outputs }: Box): Pick<DrawnNode, "measured" | "handles"> {
  const socket = { width: SOCKET_SIZE, height: SOCKET_SIZE }
  const corner = ({ x, y }: Point): Point => ({ x: x - SOCKET_SIZE / 2, y: y - SOCKET_SIZE / 2 })
  const into = [...inputs].map(([id, at]) => ({ id, type: "target", position: Position.Left, ...corner(at), ...socket }) as const)
  const outOf = outputs.map((at, index) => ({ id: String(index), type: "source", position: Position.Right, ...corner(at), ...socket }) as const)
  const height = rect.height + 0.01 // no measured one is the same, so React Flow notices
  return { measured: { width: rect.width, height }, handles: [...into, ...outOf] }
}

const boxed = new WeakMap<Box, DrawnBox>()

function boxFrom(box: Box, data: NodeData, selected: boolean): DrawnBox {
  const old = boxed.get(box)
  if (old?.selected === selected && old.data === data) return old
  const { x, y, width, height } = box.rect
  const fresh: DrawnBox = {
    ...{ id: box.id, type: "afar", position: { x, y }, data, selected, dragHandle: ".node" },
    ...{ measured: { width, height }, handles: [], style: { width, height } }, // so that nothing is left to measure
    domAttributes: { "aria-labelledby": `title-${box.id}` },
  }
  boxed.set(box, fresh)
  return fresh
}

function columns(graph: Graph, measured: Measured): DrawnColumn[] {
  if (graph.id === ROOT) return []
  return ([[INPUTS, graph.inputs, graph.inputColumn], [OUTPUTS, graph.outputs, graph.outputColumn]] as const).map(([id, slots, box]) => {
    const size = measured.get(id)
    const column: DrawnColumn = { id, type: "column", position: { x: box.x, y: box.y }, data: { slots }, selectable: false, focusable: false, style: { minWidth: box.width } }
    return size === undefined ? column : { ...column, measured: size }
  })
}

const STRAIGHT: readonly Point[] = []
const edges = new WeakMap<Link, DrawnLink>()

export function drawnLinks(graph: Graph, selected: ReadonlySet<string>): DrawnLink[] {
  const isThere = (id: string): boolean => graph.nodes.has(id) || (graph.id !== ROOT && (id === INPUTS || id === OUTPUTS))
  return [...graph.links.values()]
    .filter((link) => isThere(link.from.node) && isThere(link.to.node))
    .map((link) => {
      const known = edges.get(link)
      const isSelected = selected.has(`link:${link.id}`)
      if (known !== undefined && link.via === undefined && known.selected === isSelected) return known
      const edge: DrawnLink = {
        id: link.id,
        type: "link",
        source: link.from.node,
        sourceHandle: String(link.from.output),
        target: link.to.node,
        targetHandle: link.to.input,
        selected: isSelected,
        data: { points: link.via === undefined ? STRAIGHT : pointsOf(graph, link.id) },
        style: { stroke: colourOf(link.type) },
      }
      edges.set(link, edge)
      return edge
    })
}
