import { Handle, Position, type NodeProps } from "@xyflow/react"
import { memo, useMemo } from "react"
import { colourOf, type DrawnNode } from "~/canvas/flow"
import { InputHandle } from "~/canvas/input_handle"
import { NodeResult } from "~/canvas/node_result"
import { WidgetRow } from "~/canvas/widget_row"
import { widgetsOf } from "~/document/schema/node_layout"
import { BYPASSED, isCollapsed, isHost, MUTED, type Node, type Output } from "~/document/workflow"
import { shownGraph } from "~/state/editor"
import { useDefinition, useEditor, useShell } from "~/state/use"
import { words } from "~/words/words"

/** One node: its title, sockets, widgets, and what it shows. */
export const NodeView = memo(function NodeView({ data, selected }: NodeProps<DrawnNode>) {
  const { node, linked } = data
  const title = useTitle(node)
  const links = useMemo(() => new Set(linked.split("\n")), [linked])
  const style = {
    ...(node.bgcolor === undefined ? {} : { background: node.bgcolor }),
  }
  const state = node.mode === MUTED ? "muted" : node.mode === BYPASSED ? "bypassed" : "on"
  return (
    <article className={`node ${state} ${selected ? "selected" : ""}`} style={style} aria-label={title.text}>
      <header style={node.color === undefined ? {} : { background: node.color }}>
        {title.text}
        {state !== "on" && <small> ({words.canvas[state]})</small>}
      </header>
      {title.isMissing && <p className="node-missing">{words.canvas.missing(node.type)}</p>}
      <Sockets node={node} />
      {!isCollapsed(node) && <Widgets node={node} linked={links} />}
      <NodeResult node={node} />
    </article>
  )
})

function useTitle(node: Node): { text: string; isMissing: boolean } {
  const definition = useDefinition(node.type)
  const name = useEditor((state) => {
    const { workflow } = state.history
    return isHost(workflow, node) ? workflow.graphs.get(node.type)?.name : undefined
  })
  const isReady = useShell((state) => Object.keys(state.definitions).length > 0)
  const isKnown = definition !== undefined || name !== undefined || node.inputs.length + node.outputs.length === 0
  return { text: node.title ?? name ?? (definition?.display_name || node.type), isMissing: isReady && !isKnown }
}

function Sockets({ node }: { readonly node: Node }) {
  const inputs = node.inputs.filter((each) => each.widget === undefined)
  return (
    <div className="node-sockets">
      <ul>
        {inputs.map((input) => (
          <li key={input.name}>
            <InputHandle input={input} />
            {input.label ?? input.name}
          </li>
        ))}
      </ul>
      <ul className="node-outputs">
        {node.outputs.map((output, at) => (
          <li key={at}>
            {output.label ?? output.name}
            <OutputHandle output={output} at={at} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function OutputHandle({ output, at }: { readonly output: Output; readonly at: number }) {
  return (
    <Handle
      type="source"
      position={Position.Right}
      id={String(at)}
      style={{ background: colourOf(output.type) }}
      aria-label={words.canvas.output(output.label ?? output.name, output.type)}
    />
  )
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
