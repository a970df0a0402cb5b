/** Changes after which a node has other inputs: what a choice asks for, and rows that grow as they are linked. */

import { batch, type Change } from "~/document/change"
import { connect, type From, type To } from "~/document/edits/connect"
import { setWidget } from "~/document/edits/nodes"
import type { Json } from "~/document/json"
import { linksInto } from "~/document/links"
import { inputsOf, type Definition } from "~/document/schema/definition"
import { isGrowing, layOut, rowName, rowsOf } from "~/document/schema/layout"
import type { Place } from "~/document/schema/node_layout"
import type { Input, LinkId, Node } from "~/document/workflow"

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

/** Link two slots; a group of inputs that grows gets its next row. */
export function connectGrowing(place: Place, from: From, to: To, id?: LinkId): Change {
  const change = connect(place.graph, from, to, id)
  const grown = regrown(place, to.node, (linked) => linked.add(to.input))
  return grown === null ? change : batch(change, grown)
}

/** Let a link go; rows that were left empty at the end go too. */
export function disconnectShrinking(place: Place, id: LinkId): Change {
  const link = place.graph.links.get(id)
  const change: Change = { type: "disconnect", graph: place.graph.id, id }
  if (link === undefined) return batch()
  const shrunk = regrown(place, link.to.node, (linked) => linked.delete(link.to.input))
  return shrunk === null ? change : batch(change, shrunk)
}

function regrown({ graph, definitions }: Place, id: string, relink: (linked: Set<string>) => void): Change | null {
  const node = graph.nodes.get(id)
  const definition = node && definitions[node.type]
  if (node === undefined || definition === undefined || !inputsOf(definition).some(isGrowing)) return null
  const linked = new Set(linksInto(graph, id).keys())
  relink(linked)
  const inputs = inputsWith(node, definition, linked)
  return sameNames(inputs, node.inputs) ? null : { type: "edit-node", graph: graph.id, id, set: { inputs } }
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
