/** The document as React Flow wants it: the same node gives the same object, so that only what changed is drawn. */

import type { Edge, Node as FlowNode } from "@xyflow/react"
import { linksInto } from "~/document/links"
import type { Graph, Link, Node } from "~/document/workflow"

export const TITLE_HEIGHT = 30

export interface NodeData extends Record<string, unknown> {
  readonly node: Node
  /** The names of the linked inputs, one a line. */
  readonly linked: string
}

export type DrawnNode = FlowNode<NodeData, "node">

interface Drawn {
  readonly linked: string
  readonly data: NodeData
}

const drawn = new WeakMap<Node, Drawn>()

function dataOf(graph: Graph, node: Node): NodeData {
  const linked = [...linksInto(graph, node.id).keys()].sort().join("\n")
  const known = drawn.get(node)
  if (known?.linked === linked) return known.data
  const data = { node, linked }
  drawn.set(node, { linked, data })
  return data
}

export type Measured = ReadonlyMap<string, { readonly width: number; readonly height: number }>

const objects = new WeakMap<NodeData, DrawnNode>()

/** The nodes to draw. Those that are as they were stay the same objects. */
export function drawnNodes(graph: Graph, selected: ReadonlySet<string>, measured: Measured): DrawnNode[] {
  return [...graph.nodes.values()].map((node) => {
    const data = dataOf(graph, node)
    const old = objects.get(data)
    const isSelected = selected.has(node.id)
    const size = measured.get(node.id)
    if (old !== undefined && old.selected === isSelected && old.measured === size) return old
    const fresh: DrawnNode = {
      id: node.id,
      type: "node",
      position: { x: node.at.x, y: node.at.y - TITLE_HEIGHT },
      data,
      selected: isSelected,
      style: { width: node.size.width },
      ...(size === undefined ? {} : { measured: size }),
    }
    objects.set(data, fresh)
    return fresh
  })
}

const edges = new WeakMap<Link, Edge>()

export function drawnEdges(graph: Graph): Edge[] {
  return [...graph.links.values()]
    .filter((link) => graph.nodes.has(link.from.node) && graph.nodes.has(link.to.node))
    .map((link) => {
      const known = edges.get(link)
      if (known !== undefined) return known
      const edge: Edge = {
        id: link.id,
        source: link.from.node,
        sourceHandle: String(link.from.output),
        target: link.to.node,
        targetHandle: link.to.input,
        style: { stroke: colourOf(link.type) },
      }
      edges.set(link, edge)
      return edge
    })
}

const COLOURS: Readonly<Record<string, string>> = {
  MODEL: "#b39ddb",
  CLIP: "#ffd500",
  VAE: "#ff6e6e",
  CONDITIONING: "#ffa931",
  LATENT: "#ff9cf9",
  IMAGE: "#64b5f6",
  MASK: "#81c784",
  CONTROL_NET: "#6ee7b7",
  INT: "#7fd6c2",
  FLOAT: "#a5d66f",
  STRING: "#d6c56f",
  BOOLEAN: "#d68f6f",
  COMBO: "#9aa7b8",
}

/** The colour of a type: its own, or one made from its name. */
export function colourOf(type: string): string {
  const known = COLOURS[type]
  if (known !== undefined) return known
  if (type === "*") return "#9aa7b8"
  let sum = 7
  for (let at = 0; at < type.length; at++) sum = (sum * 31 + type.charCodeAt(at)) % 360
  return `hsl(${sum} 60% 65%)`
}
