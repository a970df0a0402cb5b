import { Handle, Position } from "@xyflow/react"
import { useSuits } from "~/canvas/suits"
import type { Input } from "~/document/workflow"
import { colourOf } from "~/document/schema/colours"
import { words } from "~/words/words"

export function InputHandle({ node, input }: { readonly node: string; readonly input: Input }) {
  const suits = useSuits(node, "target", input.type)
  const isOptional = input.rest?.["shape"] === 7
  return (
    <Handle
      type="target"
      position={Position.Left}
      id={input.name}
      className={isOptional ? `optional ${suits}` : suits}
      style={{ background: colourOf(input.type) }}
      role="img"
      aria-label={words.canvas.input(input.label ?? input.name, input.type)}
    />
  )
}
