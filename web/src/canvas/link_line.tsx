import { BaseEdge, getBezierPath, Position, type EdgeProps } from "@xyflow/react"
import { memo } from "react"
import type { DrawnLink } from "~/canvas/flow"
import { addReroute } from "~/document/edits/drawn"
import type { Point } from "~/document/workflow"
import { useApp, useView } from "~/state/use"

/** A link, drawn through its reroutes. A double click puts one more into it. */
export const LinkLine = memo(function LinkLine(props: EdgeProps<DrawnLink>) {
  const { id, sourceX, sourceY, targetX, targetY, data, style, selected } = props
  const app = useApp()
  const isDropped = useView((state) => state.dropLink === id)
  const path = pathThrough([{ x: sourceX, y: sourceY }, ...(data?.points ?? []), { x: targetX, y: targetY }])
  return (
    <g
      className={isDropped ? "link dropped" : selected === true ? "link chosen" : "link"}
      onDoubleClick={(event) => {
        const at = app.view.camera?.toGraph({ x: event.clientX, y: event.clientY })
        if (at !== undefined) app.editor.edit(addReroute(app.editor.graph, id, at).change)
      }}
    >
      <BaseEdge id={id} path={path} style={style ?? {}} interactionWidth={18} />
    </g>
  )
})

function pathThrough(points: readonly Point[]): string {
  return points
    .slice(1)
    .map((to, at) => {
      const from = points[at] ?? to
      const [path] = getBezierPath({
        sourceX: from.x,
        sourceY: from.y,
        sourcePosition: Position.Right,
        targetX: to.x,
        targetY: to.y,
        targetPosition: Position.Left,
      })
      return path
    })
    .join(" ")
}
