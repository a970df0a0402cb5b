import { memo } from "react"
import { FedBy } from "~/canvas/fed_by"
import { InputHandle } from "~/canvas/input_handle"
import { InputProblems } from "~/canvas/input_problems"
import { changeWidget } from "~/document/edits/reshape"
import { valueOf } from "~/document/schema/node_layout"
import { filterKey, type Widget } from "~/document/schema/layout"
import type { Node } from "~/document/workflow"
import { useApp } from "~/state/use"
import { kindFor } from "~/widgets/all"
import { words } from "~/words/words"

interface Props {
  readonly node: Node
  readonly widget: Widget
  readonly isLinked: boolean
}

/** A widget with its name and its socket; while the socket is linked there is nothing to type. */
export const WidgetRow = memo(function WidgetRow({ node, widget, isLinked }: Props) {
  const app = useApp()
  const { editor } = app
  const kind = kindFor(widget)
  const input = node.inputs.find((each) => each.widget === widget.name && widget.controls === undefined)
  const label = input?.label ?? labelOf(widget)
  if (kind?.draw === null || (kind === undefined && widget.type === "")) return null // a button of the ecosystem's editor
  if (widget.options["hidden"] === true) return null
  const Draw = kind?.draw
  return (
    <li className="node-widget" data-input={input?.name} title={tooltipOf(widget)}>
      {input !== undefined && <InputHandle node={node.id} input={input} />}
      <span>{label}</span>
      {isLinked ? (
        <FedBy node={node.id} input={input?.name ?? widget.name} />
      ) : Draw === undefined ? (
        <em>{words.widgets.unknown}</em>
      ) : (
        <Draw
          node={node.id}
          widget={widget}
          value={valueOf(node, widget)}
          label={label}
          onChange={(value) => {
            app.mended(node.id, widget.name)
            editor.edit(changeWidget(app.place, node, widget.key, value), `widget ${node.id} ${widget.key}`)
          }}
          onDone={() => {
            editor.seal()
          }}
        />
      )}
      {input !== undefined && <InputProblems node={node.id} input={input.name} />}
    </li>
  )
})

function labelOf({ key, name, controls }: Widget): string {
  if (controls === undefined) return name
  return key === filterKey(controls) ? words.widgets.filter : words.widgets.afterRun
}

function tooltipOf({ options: { tooltip, dynamicPrompts } }: Widget): string | undefined {
  const told = typeof tooltip === "string" ? [tooltip] : []
  const lines = dynamicPrompts === true ? [...told, words.widgets.dynamic] : told
  return lines.length > 0 ? lines.join("\n") : undefined
}
