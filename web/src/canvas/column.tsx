import { Handle, Position, type NodeProps } from "@xyflow/react"
import { memo } from "react"
import type { DrawnColumn } from "~/canvas/flow"
import { INPUTS } from "~/document/workflow"
import { colourOf } from "~/document/schema/colours"
import { words } from "~/words/words"

/** The inputs or the outputs of the subgraph that is shown: links go from and to them. */
export const Column = memo(function Column({ id, data }: NodeProps<DrawnColumn>) {
  const isInputs = id === INPUTS
  return (
    <section className="node column" aria-label={isInputs ? words.canvas.inputs : words.canvas.outputs}>
      <header>{isInputs ? words.canvas.inputs : words.canvas.outputs}</header>
      <ul className={isInputs ? "node-outputs" : ""}>
        {data.slots.map((slot, at) => (
          <li key={slot.id}>
            {slot.label ?? slot.name}
            <Handle
              type={isInputs ? "source" : "target"}
              position={isInputs ? Position.Right : Position.Left}
              id={isInputs ? String(at) : slot.id}
              style={{ background: colourOf(slot.type) }}
            />
          </li>
        ))}
      </ul>
    </section>
  )
})
