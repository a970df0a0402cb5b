import { memo } from "react"
import type { NodeProps } from "@xyflow/react"
import type { DrawnReroute } from "~/canvas/flow"
import { words } from "~/words/words"

/** A point that links are drawn through. */
export const RerouteView = memo(function RerouteView({ selected }: NodeProps<DrawnReroute>) {
  return <div className={selected ? "reroute selected" : "reroute"} aria-label={words.canvas.reroute} role="img" />
})
