/** Changes of what is selected: ids of nodes, and of groups, reroutes and links with their kind before a colon. */

import { apply } from "~/document/apply"
import { batch, type Change } from "~/document/change"
import { moveNodes } from "~/document/edits/nodes"
import { removeSlot, slotOf } from "~/document/edits/slots"
import { graphOf, type Graph, type Node, type Size, type Workflow } from "~/document/workflow"

export function chosenNodes(graph: Graph, selected: ReadonlySet<string>): Node[] {
  return [...selected].flatMap((id) => graph.nodes.get(id) ?? [])
}

/** Remove all that is selected; links that go with their nodes are not cut twice. */
export function removeSelected(workflow: Workflow, graph: Graph, selected: ReadonlySet<string>): Change {
  let slots: Change = batch()
  let after = workflow
  for (const key of selected) {
    const whole = graphOf(after, graph.id)
    const slot = slotOf(whole, key)
    if (slot === null) continue
    const change = removeSlot(after, whole, slot)
    slots = batch(slots, change)
    after = apply(after, change).workflow // the next one's place depends on it
  }
  return batch(slots, removeDrawn(graphOf(after, graph.id), selected))
}

function removeDrawn(graph: Graph, selected: ReadonlySet<string>): Change {
  const links = [...graph.links.values()].filter(
    (link) => selected.has(`link:${link.id}`) && !selected.has(link.from.node) && !selected.has(link.to.node),
  )
  return batch(
    ...links.map(({ id }): Change => ({ type: "disconnect", graph: graph.id, id })),
    ...[...selected].flatMap((id): Change[] => {
      if (graph.nodes.has(id)) return [{ type: "remove-node", graph: graph.id, id }]
      if (id.startsWith("group:")) return [{ type: "remove-group", graph: graph.id, id: id.slice(6) }]
      return id.startsWith("reroute:") ? [{ type: "remove-reroute", graph: graph.id, id: id.slice(8) }] : []
    }),
  )
}

export type Side = "left" | "right" | "top" | "bottom"

/** Have nodes end on one line, that of the outermost. */
export function align(graph: Graph, nodes: readonly Node[], side: Side, sizeOf: (node: Node) => Size): Change {
  const edges = nodes.map((node) => {
    const size = sizeOf(node)
    return { left: node.at.x, right: node.at.x + size.width, top: node.at.y, bottom: node.at.y + size.height }[side]
  })
  const line = side === "left" || side === "top" ? Math.min(...edges) : Math.max(...edges)
  const isAcross = side === "left" || side === "right"
  return moveNodes(
    graph,
    new Map(
      nodes.map((node, at) => {
        const by = line - (edges[at] ?? line)
        return [node.id, { x: node.at.x + (isAcross ? by : 0), y: node.at.y + (isAcross ? 0 : by) }]
      }),
    ),
  )
}
