/** What became of a workflow, in sentences for those who do not see it. */

import { inputName, outputName, ownerOf } from "~/document/names"
import type { Definitions } from "~/document/schema/definition"
import type { Graph, Link, Workflow } from "~/document/workflow"
import { words } from "~/words/words"

const MOST = 3 // told one by one; of more, how many

/** What one would want to be told of a graph that another has become: nodes and links that came and went. */
export function differences(before: Workflow, after: Workflow, id: string, definitions: Definitions): string[] {
  const [old, fresh] = [before.graphs.get(id), after.graphs.get(id)]
  if (old === undefined || fresh === undefined) return []
  const then = { workflow: before, graph: old, definitions }
  const now = { workflow: after, graph: fresh, definitions }
  const [gone, come] = [missing(old, fresh), missing(fresh, old)]
  const isAlive = ({ from, to }: Link): boolean => !gone.includes(from.node) && !gone.includes(to.node)
  const cut = linksMissing(old, fresh).filter(isAlive)
  const made = linksMissing(fresh, old)
  return [
    ...few(gone.map((each) => words.said.removed(ownerOf(then, each))), words.said.removedNodes),
    ...few(come.map((each) => words.said.added(ownerOf(now, each))), words.said.addedNodes),
    ...few(
      cut.map(({ from, to }) => words.said.cut(outputName(old, from), ownerOf(then, from.node), inputName(old, to), ownerOf(then, to.node))),
      words.said.cutLinks,
    ),
    ...few(
      made.map(({ from, to }) => words.said.linked(outputName(fresh, from), ownerOf(now, from.node), inputName(fresh, to), ownerOf(now, to.node))),
      words.said.madeLinks,
    ),
  ]
}

function few(sentences: readonly string[], count: (many: number) => string): readonly string[] {
  return sentences.length > MOST ? [count(sentences.length)] : sentences
}

function missing(from: Graph, other: Graph): string[] {
  return [...from.nodes.keys()].filter((id) => !other.nodes.has(id))
}

/** The links that another graph has not, or has between other sockets. */
function linksMissing(from: Graph, other: Graph): Link[] {
  if (from.links === other.links) return []
  return [...from.links.values()].filter((link) => {
    const known = other.links.get(link.id)
    return known === undefined || ends(known) !== ends(link)
  })
}

function ends({ from, to }: Link): string {
  return JSON.stringify([from.node, from.output, to.node, to.input])
}
