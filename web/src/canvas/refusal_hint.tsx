import { useConnection } from "@xyflow/react"
import { refusalOf } from "~/canvas/linking"
import type { Refusal } from "~/document/edits/connect"
import { useApp, useGraph } from "~/state/use"
import { words } from "~/words/words"

/** Why the link in hand cannot end where the pointer is. */
export function RefusalHint() {
  const { view } = useApp()
  const graph = useGraph()
  const hand = useConnection()
  if (!hand.inProgress || hand.toHandle === null || hand.isValid === true) return null
  const [source, target] = hand.fromHandle.type === "source" ? [hand.fromHandle, hand.toHandle] : [hand.toHandle, hand.fromHandle]
  if (source.type === target.type) return null
  const made = { source: source.nodeId, sourceHandle: source.id ?? null, target: target.nodeId, targetHandle: target.id ?? null }
  const because = refusalOf(graph, made)
  const at = view.camera?.toWindow(hand.toHandle)
  if (because === null || at === undefined) return null
  return (
    <p className="refusal" role="status" style={{ left: at.x + 14, top: at.y + 14 }}>
      {told(because)}
    </p>
  )
}

function told(refused: Refusal): string {
  return refused.because === "types" ? words.links.types(refused.given, refused.wanted) : words.links[refused.because]
}
