/** What a workflow names that is not here: types of nodes, and files or choices that widgets hold. */

import { textOf, type Json } from "~/document/json"
import { choicesOf } from "~/document/schema/layout"
import type { Definitions } from "~/document/schema/definition"
import { valueOf, widgetsOf } from "~/document/schema/node_layout"
import { isOfEditor } from "~/document/schema/special"
import { titleOf } from "~/document/schema/title"
import { isAbsent } from "~/document/schema/uploads"
import { isHost, type Graph, type GraphId, type Node, type NodeId, type Workflow } from "~/document/workflow"

/** A widget whose value is none of its choices. */
export interface AbsentValue {
  readonly graph: GraphId
  readonly node: NodeId
  readonly title: string
  readonly key: string
  readonly input: string
  readonly value: string
  /** What is there. */
  readonly choices: readonly Json[]
}

export interface Absent {
  readonly types: readonly string[]
  readonly values: readonly AbsentValue[]
}

export function absentIn(workflow: Workflow, definitions: Definitions): Absent {
  const types = new Set<string>()
  const values: AbsentValue[] = []
  for (const graph of workflow.graphs.values()) {
    for (const node of graph.nodes.values()) {
      if (definitions[node.type] !== undefined) values.push(...absentValues(workflow, graph, node, definitions))
      else if (!isOfEditor(node.type, undefined) && !isHost(workflow, node)) types.add(node.type)
    }
  }
  return { types: [...types].sort(), values }
}

function absentValues(workflow: Workflow, graph: Graph, node: Node, definitions: Definitions): AbsentValue[] {
  const linked = new Set([...graph.links.values()].filter((link) => link.to.node === node.id).map((link) => link.to.input))
  return widgetsOf({ workflow, graph, definitions }, node).flatMap((widget) => {
    const value = valueOf(node, widget)
    const choices = choicesOf(widget)
    if (typeof value !== "string" || linked.has(widget.name) || !isAbsent(widget, value)) return []
    const title = titleOf(workflow, definitions, node)
    return [{ graph: graph.id, node: node.id, title, key: widget.key, input: widget.name, value, choices }]
  })
}

/** The choice whose name is most like an absent one's: the same file in another folder, else the longest common start. */
export function likest(value: string, choices: readonly Json[]): Json | undefined {
  const base = (name: string): string => name.toLowerCase().replace(/^.*[\\/]/, "")
  const common = (name: string): number => {
    const [a, b] = [base(value), base(name)]
    let at = 0
    while (at < a.length && a[at] === b[at]) at++
    return a === b ? Infinity : at
  }
  return [...choices].sort((a, b) => common(textOf(b)) - common(textOf(a)))[0]
}
