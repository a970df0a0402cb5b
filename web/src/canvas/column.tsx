import { Handle, Position, useUpdateNodeInternals, type NodeProps } from "@xyflow/react"
import { memo, useEffect } from "react"
import type { DrawnColumn } from "~/canvas/flow"
import { NEW } from "~/canvas/linking"
import { Title } from "~/canvas/title"
import { renameSlot, slotKey, slotOf } from "~/document/edits/slots"
import { INPUTS, type Boundary } from "~/document/workflow"
import { useApp, useEditor, useView } from "~/state/use"
import { colourOf } from "~/document/schema/colours"
import { words } from "~/words/words"

/** The inputs or the outputs of the subgraph that is shown: links go from and to them, and from and to a new one. */
export const Column = memo(function Column({ id, data }: NodeProps<DrawnColumn>) {
  const isInputs = id === INPUTS
  const remeasure = useUpdateNodeInternals()
  useEffect(() => {
    remeasure(id) // its sockets have moved
  }, [remeasure, id, data.slots])
  const isLinking = useView(({ dragged }) => dragged !== null && (isInputs ? "to" in dragged.end : "from" in dragged.end))
  const side = isInputs ? { type: "source", position: Position.Right } as const : { type: "target", position: Position.Left } as const
  return (
    <section className="node column" aria-label={isInputs ? words.canvas.inputs : words.canvas.outputs}>
      <header>{isInputs ? words.canvas.inputs : words.canvas.outputs}</header>
      <ul className={isInputs ? "node-outputs" : ""}>
        {data.slots.map((slot, at) => (
          <SlotRow key={slot.id} side={isInputs ? "input" : "output"} slot={slot}>
            <Handle {...side} id={isInputs ? String(at) : slot.id} style={{ background: colourOf(slot.type) }} />
          </SlotRow>
        ))}
        <li className="column-new" title={isInputs ? words.canvas.newInputHint : words.canvas.newOutputHint}>
          {isInputs ? words.canvas.newInput : words.canvas.newOutput}
          <Handle {...side} id={NEW} className={isLinking ? "suits" : ""} aria-label={isInputs ? words.canvas.newInputHint : words.canvas.newOutputHint} role="img" />
        </li>
      </ul>
    </section>
  )
})

interface SlotProps {
  readonly side: "input" | "output"
  readonly slot: Boundary
  readonly children: React.ReactNode
}

/** One input or output: selected by a click or the tabulator, renamed by a double click. */
function SlotRow({ side, slot, children }: SlotProps) {
  const { editor } = useApp()
  const key = slotKey(side, slot.id)
  const isSelected = useEditor((state) => state.selected.has(key))
  const name = slot.label ?? slot.name
  const choose = (): void => {
    if (!editor.state.selected.has(key)) editor.select([key])
  }
  return (
    <li
      className={isSelected ? "selected" : ""}
      title={slot.type}
      data-slot={key}
      tabIndex={0}
      aria-label={side === "input" ? words.canvas.input(name, slot.type) : words.canvas.output(name, slot.type)}
      onClick={choose}
      onFocus={choose}
    >
      <Title
        id={key}
        text={name}
        onRename={(text) => {
          const found = slotOf(editor.graph, key)
          if (found !== null) editor.edit(renameSlot(editor.workflow, editor.graph, found, text))
        }}
      />
      {children}
    </li>
  )
}
