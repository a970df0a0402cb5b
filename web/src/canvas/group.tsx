import { NodeResizer, type NodeProps } from "@xyflow/react"
import { memo } from "react"
import type { DrawnGroup } from "~/canvas/flow"
import { Title } from "~/canvas/title"
import { editGroup } from "~/document/edits/drawn"
import { useApp } from "~/state/use"

/** A frame around nodes; what lies in it moves with it. */
export const GroupView = memo(function GroupView({ id, data, selected }: NodeProps<DrawnGroup>) {
  const { editor } = useApp()
  const { group } = data
  return (
    <section className={selected ? "group selected" : "group"} style={{ "--group": group.color ?? "#3f789e" } as React.CSSProperties} aria-label={group.title}>
      <NodeResizer minWidth={120} minHeight={80} isVisible={selected} />
      <header>
        <Title
          id={id}
          text={group.title}
          onRename={(title) => {
            editor.edit(editGroup(editor.graph, group.id, { title }))
          }}
        />
      </header>
    </section>
  )
})
