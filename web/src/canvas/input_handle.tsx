import { Handle, Position } from "@xyflow/react"
import { colourOf } from "~/canvas/flow"
import type { Input } from "~/document/workflow"
import { words } from "~/words/words"

export function InputHandle({ input }: { readonly input: Input }) {
  return (
    <Handle
      type="target"
      position={Position.Left}
      id={input.name}
      style={{ background: colourOf(input.type) }}
      aria-label={words.canvas.input(input.label ?? input.name, input.type)}
    />
  )
}
