import { NodeResizeControl, useUpdateNodeInternals, type NodeProps } from "@xyflow/react"
import { memo, useEffect, useMemo, useRef } from "react"
import type { DrawnNode } from "~/canvas/flow"
import { NodeHeader } from "~/canvas/node_header"
import { NodeResult } from "~/canvas/node_result"
import { FoldedSockets, Sockets } from "~/canvas/sockets"
import { WidgetRow } from "~/canvas/widget_row"
import { widgetsOf } from "~/document/schema/node_layout"
import { titleOf } from "~/document/schema/title"
import { BYPASSED, isCollapsed, isHost, MUTED, type Node } from "~/document/workflow"
import { shownGraph } from "~/state/editor"
import { useEditor, useShell } from "~/state/use"
import { words } from "~/words/words"

/** One node: its title, sockets, widgets, and what it shows. */
export const NodeView = memo(function NodeView({ data, selected }: NodeProps<DrawnNode>) {
  const { node, linked } = data
  const title = useTitle(node)
  const links = useMemo(() => new Set(linked.split("\n")), [linked])
  const style = {
    ...(node.bgcolor === undefined ? {} : { background: node.bgcolor }),
  }
  const folded = isCollapsed(node)
  const remeasure = useUpdateNodeInternals()
  const isFresh = useRef(true)
  useEffect(() => {
    if (!isFresh.current) remeasure(node.id) // its sockets have moved; at first they are measured anyway
    isFresh.current = false
  }, [remeasure, node.id, folded, node.inputs, node.outputs])
  const state = node.mode === MUTED ? "muted" : node.mode === BYPASSED ? "bypassed" : "on"
  return (
    <article className={`node ${state} ${folded ? "folded" : ""} ${selected ? "selected" : ""}`} style={style} aria-label={title.text}>
      <NodeHeader node={node} title={title.text} isHost={title.isHost} />
      {title.isMissing && <p className="node-missing">{words.canvas.missing(node.type)}</p>}
      {folded ? <FoldedSockets node={node} /> : <Sockets node={node} />}
      {!folded && <Widgets node={node} linked={links} />}
      <NodeResult node={node} />
      {!folded && <NodeResizeControl className="node-size" minWidth={140} minHeight={60} />}
    </article>
  )
})

function useTitle(node: Node): { text: string; isMissing: boolean; isHost: boolean } {
  const definitions = useShell((state) => state.definitions)
  const text = useEditor((state) => titleOf(state.history.workflow, definitions, node))
  const isHostNow = useEditor((state) => isHost(state.history.workflow, node))
  const isReady = Object.keys(definitions).length > 0
  const isKnown = isHostNow || definitions[node.type] !== undefined || node.inputs.length + node.outputs.length === 0
  return { text, isMissing: isReady && !isKnown, isHost: isHostNow }
}

function Widgets({ node, linked }: { readonly node: Node; readonly linked: ReadonlySet<string> }) {
  const definitions = useShell((state) => state.definitions)
  const widgets = useEditor((state) =>
    widgetsOf({ workflow: state.history.workflow, graph: shownGraph(state), definitions }, node),
  )
  return (
    <ul className="node-widgets">
      {widgets.map((widget) => (
        <WidgetRow key={widget.key} node={node} widget={widget} isLinked={linked.has(widget.name)} />
      ))}
    </ul>
  )
}
