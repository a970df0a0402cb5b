/** The places of a workflow: the root, and each subgraph once for every host that uses it. */

import type { Fitted, FittedGraph, FittedWorkflow } from "~/document/prompt/fit"
import { isBypassed, isMuted } from "~/document/prompt/saved"
import { WorkflowError } from "~/document/prompt/trouble"

/** Subgraphs in subgraphs multiply: a small file can ask for more nodes than fit in memory. */
const MOST_NODES = 100_000

/** One graph in one place. `inner`: the insides of its hosts by their ids; muted and bypassed hosts have none. */
export interface Scope {
  readonly graph: FittedGraph
  /** Ids of the hosts from the root down. */
  readonly path: readonly string[]
  readonly host?: Fitted
  readonly parent?: Scope
  readonly inner: Map<string, Scope>
}

export function executionIdOf(scope: Scope, node: Fitted): string {
  return [...scope.path, node.saved.id].join(":")
}

/** This scope and those around it, up to the root. */
export function* outwards(scope: Scope): Generator<Scope> {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) yield each
}

/** Every scope, outer ones first. Throws WorkflowError for a subgraph in itself, and for far too many nodes. */
export function expand(workflow: FittedWorkflow): Scope[] {
  const found: Scope[] = []
  const waiting: Scope[] = [{ graph: workflow.root, path: [], inner: new Map() }]
  let count = 0
  for (let scope = waiting.shift(); scope !== undefined; scope = waiting.shift()) {
    found.push(scope)
    count += scope.graph.nodes.size
    if (count > MOST_NODES) throw new WorkflowError(`The subgraphs expand to more than ${MOST_NODES} nodes.`)
    for (const node of scope.graph.nodes.values()) {
      if (node.kind !== "host" || isMuted(node.saved) || isBypassed(node.saved)) continue
      const inside = insideOf(workflow, scope, node)
      scope.inner.set(node.saved.id, inside)
      waiting.push(inside)
    }
  }
  return found
}

function insideOf(workflow: FittedWorkflow, scope: Scope, host: Fitted): Scope {
  const graph = workflow.subgraphs.get(host.saved.type)
  if (graph === undefined) throw new WorkflowError(`There is no subgraph ${host.saved.type}.`)
  for (const around of outwards(scope)) {
    if (around.graph.saved.id !== host.saved.type) continue
    const where = executionIdOf(scope, host)
    throw new WorkflowError(`Circular reference: the subgraph '${graph.saved.name}' contains itself (node ${where}).`)
  }
  return { graph, path: [...scope.path, host.saved.id], host, parent: scope, inner: new Map() }
}
