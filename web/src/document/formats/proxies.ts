/**
 * What hosts show of their insides in files of older editors (`proxyWidgets`) becomes what they show now: inputs of the
 * subgraph that end on widgets.
 *
 * A host that holds a value for a widget of a type without definition is left as it came.
 */

import { apply } from "~/document/apply"
import { batch, type Change } from "~/document/change"
import { addInput, freeName, hostsOf } from "~/document/edits/boundary"
import { newLinkId, newUuid } from "~/document/ids"
import { isList, textOf, type Json } from "~/document/json"
import { withoutKeys } from "~/document/formats/parts"
import { linkInto, linksOutOf } from "~/document/links"
import { addressOf, proxiesOf, type Entry } from "~/document/prompt/proxies"
import type { Definitions } from "~/document/schema/definition"
import { PRIMITIVE } from "~/document/schema/special"
import { graphOf, INPUTS, isHost, ROOT, type Graph, type GraphId, type Node, type NodeId, type Workflow } from "~/document/workflow"

const PREVIEW = "$$" // begins the names of what is no widget, but a picture inside
const MOVED = "proxyBypassedToSubgraphInput" // a primitive says so of what it drove

export function withProxiesShown(workflow: Workflow, definitions: Definitions): Workflow {
  let whole = workflow
  for (const { graph, node } of outermostFirst(workflow)) {
    if (proxiesOf(node.properties).length > 0) whole = new Migration(whole, definitions, graph, node.id).done()
  }
  return whole
}

/** Hosts, those that stand further out before those inside of what they stand for. */
function outermostFirst(workflow: Workflow): { graph: GraphId; node: Node }[] {
  const found: { graph: GraphId; node: Node }[] = []
  const seen = new Set([ROOT])
  for (const id of seen) {
    for (const node of graphOf(workflow, id).nodes.values()) {
      if (!isHost(workflow, node)) continue
      found.push({ graph: id, node })
      seen.add(node.type)
    }
  }
  return found
}

/** Thrown inside of this file for what cannot be known here. */
class Unknown extends Error {}

class Migration {
  /** Whether the host holds a value for the widget: then it must be known, or the value would be lost. */
  private isHeld = false

  constructor(
    private workflow: Workflow,
    private readonly definitions: Definitions,
    private readonly graph: GraphId,
    private readonly id: NodeId,
  ) {}

  done(): Workflow {
    const before = this.workflow
    const host = this.host()
    const held = isList(host.held) ? host.held : []
    const values = { ...host.values }
    const previews: Json[] = []
    const lost: Json[] = []
    try {
      for (const [at, entry] of proxiesOf(host.properties).entries()) {
        const { ids, name } = addressOf(entry)
        if (name.startsWith(PREVIEW)) {
          previews.push({ name, sourceNodeId: ids.join(":"), sourcePreviewName: name })
          continue
        }
        const value = held[at] ?? undefined
        this.isHeld = value !== undefined
        const input = this.shown(host.type, ids, name)
        if (input === null) lost.push(quarantined(entry, value))
        else if (value !== undefined) values[input] = value
      }
    } catch (error) {
      if (error instanceof Unknown) return before
      throw error
    }
    this.finish(values, previews, lost)
    return this.workflow
  }

  private finish(values: Node["values"], previews: readonly Json[], lost: readonly Json[]): void {
    const node = { ...this.host() }
    delete node.held
    const properties = withoutKeys(node.properties, ["proxyWidgets"])
    const told = {
      ...properties,
      ...more("previewExposures", properties["previewExposures"], previews),
      ...more("proxyWidgetErrorQuarantine", properties["proxyWidgetErrorQuarantine"], lost),
    }
    const graph = graphOf(this.workflow, this.graph)
    const nodes = new Map([...graph.nodes, [node.id, { ...node, properties: told, values }]])
    this.workflow = { graphs: new Map([...this.workflow.graphs, [graph.id, { ...graph, nodes }]]) }
  }

  private host(): Node {
    const node = graphOf(this.workflow, this.graph).nodes.get(this.id)
    if (node === undefined) throw new Error(`the host ${this.id} is gone`)
    return node
  }

  private do(change: Change): void {
    this.workflow = apply(this.workflow, change).workflow
  }

  /** Have a subgraph show a widget of its inside; the name of the input that does, or null where it cannot. */
  private shown(subgraph: GraphId, [id = "", ...deeper]: readonly string[], name: string): string | null {
    const graph = graphOf(this.workflow, subgraph)
    if (id === "-1") return graph.inputs.some((each) => each.name === name) ? name : null
    const node = graph.nodes.get(id)
    if (node === undefined) return null
    if (node.type === PRIMITIVE) return this.primitiveShown(graph, node)
    const input = isHost(this.workflow, node) ? this.onHost(node, deeper, name) : this.onNode(node, name)
    if (input === null) return null
    const link = linkInto(graphOf(this.workflow, subgraph), id, input)
    if (link?.from.node === INPUTS) return graph.inputs[link.from.output]?.name ?? null
    if (link !== undefined) return null
    this.do(addInput(this.workflow, subgraph, { node: id, input }, newUuid()))
    return graphOf(this.workflow, subgraph).inputs.at(-1)?.name ?? null
  }

  private onNode(node: Node, name: string): string | null {
    if (this.isHeld && this.definitions[node.type] === undefined) throw new Unknown()
    return node.inputs.find((each) => each.widget === name)?.name ?? null
  }

  /** The input of a host inside that shows the widget: it may be one that is shown there by an entry of its own. */
  private onHost(node: Node, deeper: readonly string[], name: string): string | null {
    if (deeper.length > 0) return this.shown(node.type, deeper, name)
    if (node.inputs.some((each) => each.name === name)) return name
    const further = proxiesOf(node.properties).find((each) => each[1] === name)
    if (further === undefined) return null
    const { ids, name: inner } = addressOf(further)
    return this.shown(node.type, ids, inner)
  }

  /** An input takes the place of a primitive, for all that it drives; what it held goes into these. */
  private primitiveShown(graph: Graph, primitive: Node): string | null {
    const moved = primitive.properties[MOVED]
    if (typeof moved === "string" && graph.inputs.some((each) => each.name === moved)) return moved
    const links = linksOutOf(graph, primitive.id)
    const first = links[0]
    const target = first && graph.nodes.get(first.to.node)?.inputs.find((each) => each.name === first.to.input)
    if (first === undefined || target === undefined) return null
    const name = freeName(primitive.title ?? target.widget ?? target.name, graph.inputs.map((each) => each.name))
    const value = primitive.values["value"]
    const output = graph.inputs.length
    let number = Number(newLinkId(graph))
    const relinked = links.flatMap((link): Change[] => {
      const key = graph.nodes.get(link.to.node)?.inputs.find((each) => each.name === link.to.input)?.widget
      const set: Change[] = key === undefined || value === undefined ? [] : [{ type: "set-widget", graph: graph.id, id: link.to.node, key, to: value }]
      const made = { id: String(number++), from: { node: INPUTS, output }, to: link.to, type: link.type }
      return [{ type: "disconnect", graph: graph.id, id: link.id }, ...set, { type: "connect", graph: graph.id, link: made }]
    })
    const hosts = hostsOf(this.workflow, graph.id).map((host): Change => {
      const inputs = [...host.node.inputs, { name, type: target.type, widget: name }]
      return { type: "edit-node", graph: host.graph.id, id: host.node.id, set: { inputs } }
    })
    const properties = { ...primitive.properties, [MOVED]: name }
    this.do(
      batch(
        { type: "edit-graph", graph: graph.id, set: { inputs: [...graph.inputs, { id: newUuid(), name, type: target.type }] } },
        ...relinked,
        ...hosts,
        { type: "edit-node", graph: graph.id, id: primitive.id, set: { properties } },
      ),
    )
    return name
  }
}

function more(key: string, known: Json | undefined, added: readonly Json[]): Record<string, Json> {
  return added.length === 0 ? {} : { [key]: [...(isList(known) ? known : []), ...added] }
}

function quarantined(entry: Entry, value: Json | undefined): Json {
  const held = value === undefined ? {} : { hostValue: value }
  return { originalEntry: [...entry], reason: `${textOf(entry[1])} is not there, or has no input`, ...held, attemptedAtVersion: 1 }
}
