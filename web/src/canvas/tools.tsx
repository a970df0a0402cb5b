import { MiniMap, Panel } from "@xyflow/react"
import { doCommand } from "~/commands/all"
import { useApp, useEditor, useGraph, useShell, useView } from "~/state/use"
import { words } from "~/words/words"

const BUTTONS = [
  ["addNode", "+"],
  ["library", "☰"],
  ["arrange", "⇥"],
  ["zoomIn", "🞢"],
  ["fit", "⛶"],
  ["help", "?"],
] as const

/** What stands on the canvas: buttons, the map, the way out of a subgraph, and where to begin. */
export function Tools() {
  const app = useApp()
  const hasMap = useView((state) => state.hasMap)
  return (
    <>
      <Panel position="top-left" className="tools">
        {BUTTONS.map(([name, sign]) => (
          <button key={name} title={words.commands[name]} aria-label={words.commands[name]} onClick={() => void doCommand(app, name)}>
            {sign}
          </button>
        ))}
      </Panel>
      <Panel position="top-center">
        <Path />
      </Panel>
      <Beginning />
      {hasMap && <MiniMap pannable zoomable ariaLabel={words.canvas.map} nodeColor="var(--faint)" />}
    </>
  )
}

/** Which subgraph is shown, and those around it. */
function Path() {
  const { editor } = useApp()
  const path = useEditor((state) => state.path)
  const graph = useGraph()
  if (path.length === 0) return null
  return (
    <nav className="path" aria-label={words.canvas.path}>
      {path.map((host, depth) => (
        <button
          key={host}
          onClick={() => {
            editor.leave(depth)
          }}
        >
          {depth === 0 ? words.canvas.root : words.canvas.outer}
        </button>
      ))}
      <strong>{graph.name}</strong>
    </nav>
  )
}

function Beginning() {
  const graph = useGraph()
  const isReady = useShell((state) => Object.keys(state.definitions).length > 0)
  if (graph.nodes.size > 0 || !isReady) return null
  return (
    <div className="beginning">
      <p>{words.canvas.beginning}</p>
    </div>
  )
}
