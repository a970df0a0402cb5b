/** What a node is called: as it was named, as its subgraph is, or as its type is. */

import type { Definitions } from "~/document/schema/definition"
import { isHost, type Node, type Workflow } from "~/document/workflow"

export function titleOf(workflow: Workflow, definitions: Definitions, node: Node): string {
  if (node.title !== undefined) return node.title
  const name = isHost(workflow, node) ? workflow.graphs.get(node.type)?.name : undefined
  return name ?? (definitions[node.type]?.display_name || node.type)
}
