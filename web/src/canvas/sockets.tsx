import { Handle, Position } from "@xyflow/react"
import { InputHandle } from "~/canvas/input_handle"
import { useSuits } from "~/canvas/suits"
import { isHost, type Node, type Output } from "~/document/workflow"
import { colourOf } from "~/document/schema/colours"
import { hasOwnValues } from "~/document/schema/node_layout"
import { inputTooltip, outputTooltip } from "~/document/schema/tooltips"
import { useDefinition, useEditor } from "~/state/use"
import { words } from "~/words/words"

/** The sockets of a node that stand beside no widget; all of them where its type is not known. */
export function Sockets({ node }: { readonly node: Node }) {
  const definition = useDefinition(node.type)
  const isHostNode = useEditor((state) => isHost(state.history.workflow, node))
  const hasRows = definition !== undefined || isHostNode || hasOwnValues(node.type)
  const inputs = node.inputs.filter((each) => each.widget === undefined || !hasRows)
  return (
    <div className="node-sockets">
      <ul>
        {inputs.map((input) => (
          <li key={input.name} title={told(inputTooltip(definition, input.name), input.type)} data-input={input.name}>
            <InputHandle node={node.id} input={input} />
            {input.label ?? input.name}
          </li>
        ))}
      </ul>
      <ul className="node-outputs">
        {node.outputs.map((output, at) => (
          <li key={at} title={told(outputTooltip(definition, at), output.type)} data-output={at}>
            {output.label ?? output.name}
            <OutputHandle node={node.id} output={output} at={at} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function told(tooltip: string | undefined, type: string): string {
  return tooltip === undefined ? type : `${tooltip}\n${type}`
}

/** All sockets of a folded node, on its edges; their names are told alone. */
export function FoldedSockets({ node }: { readonly node: Node }) {
  return (
    <div className="node-folded">
      {node.inputs.map((input) => (
        <InputHandle key={input.name} node={node.id} input={input} />
      ))}
      {node.outputs.map((output, at) => (
        <OutputHandle key={at} node={node.id} output={output} at={at} />
      ))}
    </div>
  )
}

function OutputHandle({ node, output, at }: { readonly node: string; readonly output: Output; readonly at: number }) {
  const suits = useSuits(node, "source", output.type)
  return (
    <Handle
      type="source"
      position={Position.Right}
      id={String(at)}
      className={suits}
      style={{ background: colourOf(output.type) }}
      role="img"
      aria-label={words.canvas.output(output.label ?? output.name, output.type)}
    />
  )
}
