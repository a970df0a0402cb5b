/** Changes after which a node has other inputs: what a choice asks for, and rows that grow as they are linked. */

import { apply } from "~/document/apply"
import { batch, type Change } from "~/document/change"
import { setWidget } from "~/document/edits/nodes"
import type { Json } from "~/document/json"
import { linksInto } from "~/document/links"
import { inputsOf, type Definition } from "~/document/schema/definition"
import { isGrowing, layOut, rowName, rowsOf } from "~/document/schema/layout"
import type { Place } from "~/document/schema/node_layout"
import type { Input, Node } from "~/document/workflow"

/** Have a widget hold something; inputs that it no longer asks for go with their links. */
export function changeWidget({ graph, definitions }: Place, node: Node, key: string, to: Json): Change {
  const definition = definitions[node.type]
  const change = setWidget(graph, node.id, key, to)
  if (definition === undefined || !decides(definition)) return change
  const linked = new Set(linksInto(graph, node.id).keys())
  const inputs = inputsWith({ ...node, values: { ...node.values, [key]: to } }, definition, linked)
  if (sameNames(inputs, node.inputs)) return change
  const left = new Set(inputs.map((each) => each.name))
  const cut = [...linksInto(graph, node.id).values()].filter((link) => !left.has(link.to.input))
  return batch(
    ...cut.map(({ id }) => ({ type: "disconnect", graph: graph.id, id }) as const),
    change,
    { type: "edit-node", graph: graph.id, id: node.id, set: { inputs } },
  )
}

/** A change of links with what follows from it: groups of inputs that grow get another row, and give up those left empty. */
export function regrown({ workflow, graph, definitions }: Place, change: Change): Change {
  const after = apply(workflow, change).workflow.graphs.get(graph.id)
  if (after === undefined || after.links === graph.links) return change
  const edits = [...after.nodes.values()].flatMap((node): Change[] => {
    const definition = definitions[node.type]
    if (definition === undefined || !inputsOf(definition).some(isGrowing)) return []
    const linked = new Set(linksInto(after, node.id).keys())
    const before = linksInto(graph, node.id)
    if (linked.size === before.size && [...linked].every((name) => before.has(name))) return []
    const inputs = inputsWith(node, definition, linked)
    return sameNames(inputs, node.inputs) ? [] : [{ type: "edit-node", graph: graph.id, id: node.id, set: { inputs } }]
  })
  return edits.length === 0 ? change : batch(change, ...edits)
}

/** Whether what a widget holds may decide on inputs. */
function decides(definition: Definition): boolean {
  return inputsOf(definition).some((each) => each.type.includes("DYNAMIC"))
}

/** The inputs of a node of a type: those of its layout, rows for what is linked and one more, and those that it had besides. */
function inputsWith(node: Node, definition: Definition, linked: ReadonlySet<string>): Input[] {
  const layout = layOut(node.type, definition, (widget) => (widget.key in node.values ? node.values[widget.key] : widget.default))
  const inputs: Input[] = [...layout.inputs]
  for (const spec of inputsOf(definition).filter(isGrowing)) {
    const { row, least, most } = rowsOf(spec)
    const names = (number: number) => row.map((each) => rowName(spec, each, number))
    let rows = least + 1
    for (let number = 0; number < most; number++) if (names(number).some((name) => linked.has(name))) rows = Math.max(rows, number + 2)
    const last = inputs.findLastIndex((each) => each.name.startsWith(`${spec.name}.`))
    const more = Array.from({ length: Math.min(rows, most) }, (_, number) =>
      row.map((each): Input => ({ name: rowName(spec, each, number), type: each.type, rest: { shape: 7 } })),
    )
    const known = new Set(inputs.map((each) => each.name))
    inputs.splice(last + 1, 0, ...more.flat().filter((each) => !known.has(each.name)))
  }
  const names = new Set(inputs.map((each) => each.name))
  const groups = inputsOf(definition).filter((each) => isGrowing(each) || each.type.includes("DYNAMIC"))
  const isOurs = (name: string): boolean => groups.some((each) => name.startsWith(`${each.name}.`))
  const own = node.inputs.filter((each) => !names.has(each.name) && each.widget === undefined && !isOurs(each.name))
  return [...inputs.map((each) => node.inputs.find((old) => old.name === each.name && old.type === each.type) ?? each), ...own]
}

function sameNames(a: readonly Input[], b: readonly Input[]): boolean {
  return a.length === b.length && a.every((each, at) => each.name === b[at]?.name && each.type === b[at].type)
}
