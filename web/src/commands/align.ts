/** Has nodes end on one line, or stand with the same gaps between them. */

import type { Command } from "~/commands/command"
import type { Change } from "~/document/change"
import { distribute } from "~/document/edits/distribute"
import { align, chosenNodes, type Side } from "~/document/edits/selection"
import type { Graph, Node, Size } from "~/document/workflow"

type Make = (graph: Graph, nodes: readonly Node[], sizeOf: (node: Node) => Size) => Change

export const commands: readonly Command[] = [
  { name: "alignLeft", keys: ["Alt+ArrowLeft"], ...placing(2, toSide("left")) },
  { name: "alignRight", keys: ["Alt+ArrowRight"], ...placing(2, toSide("right")) },
  { name: "alignTop", keys: ["Alt+ArrowUp"], ...placing(2, toSide("top")) },
  { name: "alignBottom", keys: ["Alt+ArrowDown"], ...placing(2, toSide("bottom")) },
  { name: "distributeAcross", keys: ["Alt+H"], ...placing(3, (graph, nodes, sizeOf) => distribute(graph, nodes, "across", sizeOf)) },
  { name: "distributeDown", keys: ["Alt+V"], ...placing(3, (graph, nodes, sizeOf) => distribute(graph, nodes, "down", sizeOf)) },
]

function toSide(side: Side): Make {
  return (graph, nodes, sizeOf) => align(graph, nodes, side, sizeOf)
}

/** `least`: of fewer nodes there is nothing to place. */
function placing(least: number, make: Make): Pick<Command, "when" | "do"> {
  return {
    when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length >= least,
    do: ({ editor, view }) => {
      const nodes = chosenNodes(editor.graph, editor.state.selected)
      editor.edit(make(editor.graph, nodes, (node) => view.camera?.sizeOf(node.id) ?? node.size))
    },
  }
}
