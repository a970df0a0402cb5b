import {
  Background, Controls, MiniMap, ReactFlow, type Connection, type Edge, type NodeChange,
} from "@xyflow/react"
import "@xyflow/react/dist/style.css"
import { useCallback, useMemo, useState } from "react"
import { drawnEdges, drawnNodes, TITLE_HEIGHT, type DrawnNode, type Measured } from "~/canvas/flow"
import { NodeView } from "~/canvas/node"
import { batch } from "~/document/change"
import { refusal } from "~/document/edits/connect"
import { moveNodes, removeNodes } from "~/document/edits/nodes"
import { connectGrowing } from "~/document/edits/reshape"
import type { Point } from "~/document/workflow"
import { useApp, useEditor, useGraph } from "~/state/use"
import { words } from "~/words/words"
import "~/canvas/canvas.css"

const NODE_TYPES = { node: NodeView }

/** The shown graph. React Flow draws and drags; what it tells becomes changes of the document. */
export function Canvas() {
  const app = useApp()
  const graph = useGraph()
  const selected = useEditor((state) => state.selected)
  const [measured, setMeasured] = useState<Measured>(new Map())
  const nodes = useMemo(() => drawnNodes(graph, selected, measured), [graph, selected, measured])
  const edges = useMemo(() => drawnEdges(graph), [graph])

  const onNodesChange = useCallback(
    (changes: NodeChange<DrawnNode>[]) => {
      const { editor } = app
      const moved = new Map<string, Point>()
      let isOver = false
      const chosen = new Set(editor.state.selected)
      for (const change of changes) {
        if (change.type === "position" && change.position !== undefined) {
          moved.set(change.id, { x: change.position.x, y: change.position.y + TITLE_HEIGHT })
        }
        if (change.type === "position" && change.dragging === false) isOver = true
        if (change.type === "select") {
          if (change.selected) chosen.add(change.id)
          else chosen.delete(change.id)
        }
      }
      const sizes = changes.flatMap((each) =>
        each.type === "dimensions" && each.dimensions !== undefined ? [[each.id, each.dimensions] as const] : [],
      )
      if (sizes.length > 0) setMeasured((before) => new Map([...before, ...sizes]))
      if (moved.size > 0) editor.edit(moveNodes(editor.graph, moved), "drag")
      if (isOver) editor.seal()
      if (changes.some((change) => change.type === "select")) editor.select(chosen)
    },
    [app],
  )
  const onConnect = useCallback(
    (made: Connection) => {
      const ends = endsOf(made)
      app.editor.edit(connectGrowing(app.place, ends.from, ends.to))
    },
    [app],
  )
  const isValid = useCallback(
    (made: Connection | Edge) => {
      const ends = endsOf(made)
      return refusal(app.editor.graph, ends.from, ends.to) === null
    },
    [app],
  )
  const onDelete = useCallback(
    (gone: { nodes: DrawnNode[]; edges: Edge[] }) => {
      const { editor } = app
      const ids = new Set(gone.nodes.map((node) => node.id))
      const links = gone.edges.filter((edge) => !ids.has(edge.source) && !ids.has(edge.target))
      const cut = links.map(({ id }) => ({ type: "disconnect", graph: editor.graph.id, id }) as const)
      editor.edit(batch(...cut, removeNodes(editor.graph, ids)))
    },
    [app],
  )
  return (
    <main className="canvas" aria-label={words.canvas.label}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodesChange={onNodesChange}
        onConnect={onConnect}
        isValidConnection={isValid}
        onDelete={onDelete}
        deleteKeyCode={["Delete", "Backspace"]}
        minZoom={0.05}
        maxZoom={4}
        fitView
        onlyRenderVisibleElements
        proOptions={{ hideAttribution: true }}
      >
        <Background />
        <Controls />
        <MiniMap pannable zoomable />
      </ReactFlow>
    </main>
  )
}

function endsOf(made: Connection | Edge) {
  return {
    from: { node: made.source, output: Number(made.sourceHandle) },
    to: { node: made.target, input: made.targetHandle ?? "" },
  }
}
