import { MiniMap, Panel } from "@xyflow/react"
import { CircleQuestionMark, LibraryBig, Maximize, Network, Plus, ZoomIn, ZoomOut } from "lucide-react"
import { Beginning, Hint } from "~/canvas/beginning"
import { Path } from "~/canvas/path"
import { Tool } from "~/panels/tool"
import { useView } from "~/state/use"
import { words } from "~/words/words"

const TOOLS = [
  ["addNode", Plus],
  ["library", LibraryBig],
  ["arrange", Network],
  ["zoomIn", ZoomIn],
  ["zoomOut", ZoomOut],
  ["fit", Maximize],
  ["help", CircleQuestionMark],
] as const

/** What stands on the canvas: buttons, the map, the way out of a subgraph, and where to begin. */
export function Tools() {
  const hasMap = useView((state) => state.hasMap)
  return (
    <>
      <Panel position="top-left" className="tools">
        {TOOLS.map(([name, icon]) => (
          <Tool key={name} name={name} icon={icon} />
        ))}
      </Panel>
      <Panel position="top-center">
        <Path />
      </Panel>
      <Beginning />
      <Hint />
      {hasMap && <MiniMap pannable zoomable ariaLabel={words.canvas.map} nodeColor="var(--faint)" />}
    </>
  )
}
