import { ViewportPortal, type NodeProps, type Viewport } from "@xyflow/react"
import { memo, useCallback, useMemo, useState } from "react"
import { dataOf, type Boxes, type DrawnBox, type Measured, type NodeData } from "~/canvas/flow"
import { NodeResult } from "~/canvas/node_result"
import { boxOf, columnsOf, type Box } from "~/document/picture/boxes"
import { bendsOf, curve } from "~/document/picture/curves"
import { colourOf } from "~/document/schema/colours"
import type { Definitions } from "~/document/schema/definition"
import type { Place } from "~/document/schema/node_layout"
import { titleOf } from "~/document/schema/title"
import { BYPASSED, MUTED, TITLE_HEIGHT, type Graph, type Node, type Size } from "~/document/workflow"
import { useEditor, useShell } from "~/state/use"
import { words } from "~/words/words"
import "~/canvas/afar.css"

/** Below the one zoom nothing can be read; the other is a little more, so that no wheel flickers between them. */
const AFAR = 0.36
const NEAR = 0.4

/**
 * Whether the graph is seen from afar, where it is drawn as boxes and curves that cost little; and who tells. `opened`
 * names what is shown: the first time, all of it will be brought into view.
 */
export function useAfar(graph: Graph, opened: string): { isAfar: boolean; onViewportChange: (viewport: Viewport) => void } {
  const [shown, setShown] = useState({ opened: "", isAfar: false })
  const isOther = shown.opened !== opened
  const isAfar = isOther ? fittedZoom(graph) < AFAR : shown.isAfar
  if (isOther) setShown({ opened, isAfar })
  const onViewportChange = useCallback(({ zoom }: Viewport) => {
    setShown((before) => {
      const now = zoom < (before.isAfar ? NEAR : AFAR)
      return now === before.isAfar ? before : { ...before, isAfar: now }
    })
  }, [])
  return { isAfar, onViewportChange }
}

/** About how large a graph is drawn that is seen whole. */
function fittedZoom(graph: Graph): number {
  const nodes = [...graph.nodes.values()]
  const [xs, ys] = [nodes.map((node) => node.at.x), nodes.map((node) => node.at.y)]
  const width = Math.max(...xs) - Math.min(...xs)
  const height = Math.max(...ys) - Math.min(...ys)
  return nodes.length === 0 ? 1 : Math.min(window.innerWidth / width, window.innerHeight / height)
}

/** Where everything stands, as far as can be told without drawing it. */
export function useBoxes(graph: Graph, measured: Measured): Boxes {
  const definitions = useShell((state) => state.definitions)
  const workflow = useEditor((state) => state.history.workflow)
  return useMemo(() => {
    const place = { workflow, graph, definitions }
    const columns = columnsOf(graph, { inputs: words.canvas.inputs, outputs: words.canvas.outputs })
    const boxes = [...graph.nodes.values()].map((node) => boxFor(place, node, measured.get(node.id)))
    return new Map([...columns, ...boxes].map((box) => [box.id, box]))
  }, [workflow, graph, definitions, measured])
}

interface Known {
  readonly definitions: Definitions
  readonly size: Size | undefined
  readonly box: Box
}

const known = new WeakMap<NodeData, Known>()

/** The box of a node; the same as before where nothing became of the node. */
function boxFor(place: Place, node: Node, size: Size | undefined): Box {
  const data = dataOf(place.graph, node)
  const found = known.get(data)
  if (found?.definitions === place.definitions && found.size === size) return found.box
  const box = boxOf(place, node, size && { width: size.width, height: size.height - TITLE_HEIGHT }, false)
  known.set(data, { definitions: place.definitions, size, box })
  return box
}

/** A node from afar: its title, and what it shows of a run. */
export const BoxView = memo(function BoxView({ data: { node }, selected }: NodeProps<DrawnBox>) {
  const definitions = useShell((state) => state.definitions)
  const title = useEditor((state) => titleOf(state.history.workflow, definitions, node))
  const state = node.mode === MUTED ? "muted" : node.mode === BYPASSED ? "bypassed" : ""
  return (
    <article
      className={`node afar ${state} ${selected ? "selected" : ""}`}
      style={node.bgcolor === undefined ? {} : { background: node.bgcolor }}
      aria-label={title}
    >
      <header id={`title-${node.id}`} style={node.color === undefined ? {} : { background: node.color, color: "#fff" }}>
        {title}
      </header>
      <NodeResult node={node} />
    </article>
  )
})

/** All links from afar: one path for each colour. */
export function AfarLinks({ graph, boxes, selected }: { readonly graph: Graph; readonly boxes: Boxes; readonly selected: ReadonlySet<string> }) {
  const paths = useMemo(() => {
    const found = new Map<string, string>()
    for (const link of graph.links.values()) {
      const bends = bendsOf(graph, link, boxes)
      if (bends === null) continue
      const colour = selected.has(`link:${link.id}`) ? "var(--accent)" : colourOf(link.type)
      found.set(colour, (found.get(colour) ?? "") + curve(bends))
    }
    return [...found]
  }, [graph, boxes, selected])
  return (
    <ViewportPortal>
      <svg className="afar-links" aria-hidden>
        {paths.map(([colour, path]) => (
          <path key={colour} d={path} stroke={colour} />
        ))}
      </svg>
    </ViewportPortal>
  )
}
