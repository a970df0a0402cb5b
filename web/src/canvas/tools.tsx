import { MiniMap, Panel } from "@xyflow/react"
import { Path } from "~/canvas/path"
import { doCommand } from "~/commands/all"
import { useApp, useGraph, useShell, useView } from "~/state/use"
import { words } from "~/words/words"

/** Commands with the strokes of their signs, on a square of 24. */
const BUTTONS = [
  ["addNode", "M12 5v14M5 12h14"],
  ["library", "M4 5h4v14H4zM10 5h4v14h-4zM16.5 5.5l3.5-1 3 14-3.5 1z"],
  ["arrange", "M3 4h6v5H3zM3 15h6v5H3zM15 9.500h6v5h-6zM9 6.500h3v11H9M12 12h3"],
  ["zoomIn", "M10.500 4a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M15.500 15.500L21 21M10.500 7.500v6M7.500 10.500h6"],
  ["zoomOut", "M10.500 4a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M15.500 15.500L21 21M7.500 10.500h6"],
  ["fit", "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
  ["help", "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.500v.5"],
] as const

/** What stands on the canvas: buttons, the map, the way out of a subgraph, and where to begin. */
export function Tools() {
  const app = useApp()
  const hasMap = useView((state) => state.hasMap)
  return (
    <>
      <Panel position="top-left" className="tools">
        {BUTTONS.map(([name, strokes]) => (
          <button key={name} title={words.commands[name]} aria-label={words.commands[name]} onClick={() => void doCommand(app, name)}>
            <svg viewBox="0 0 24 24" aria-hidden>
              <path d={strokes} />
            </svg>
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
