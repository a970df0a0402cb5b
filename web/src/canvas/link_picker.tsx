import { useState } from "react"
import { Picker, type Option } from "~/canvas/picker"
import { typeOfEnd } from "~/document/edits/add"
import { partnersOf, socketsOf, type Partner, type Socket } from "~/document/edits/partners"
import { promote } from "~/document/edits/promote"
import { connect } from "~/document/edits/connect"
import { newUuid } from "~/document/ids"
import { inputName, outputName, ownerOf } from "~/document/names"
import type { Graph, Link, NodeId, Point } from "~/document/workflow"
import type { App } from "~/state/app"
import { useApp, useGraph, useView } from "~/state/use"
import { colourOf } from "~/document/schema/colours"
import { words } from "~/words/words"

const BESIDE = 60

/** Links without a pointer: first a socket of a node is chosen, then where its link goes, or which one is cut. */
export function LinkPicker() {
  const graph = useGraph()
  const id = useView((state) => state.linked)
  return id === null || !graph.nodes.has(id) ? null : <Choosing key={id} id={id} />
}

function Choosing({ id }: { readonly id: NodeId }) {
  const app = useApp()
  const graph = useGraph()
  const [socket, setSocket] = useState<Socket | null>(null)
  const [text, setText] = useState("")
  const node = graph.nodes.get(id)
  if (node === undefined) return null
  const close = () => {
    app.view.set({ linked: null })
    app.view.camera?.focus(id)
  }
  const title = ownerOf(app.place, id)
  const at = { x: node.at.x + node.size.width, y: node.at.y }
  const typed = {
    at,
    text,
    onText: setText,
    none: words.linking.none,
    onClose: close,
  }
  if (socket === null) {
    const options = socketsOf(graph, node).map((each, number) => socketOption(app, each, number))
    return (
      <Picker
        key="sockets"
        {...typed}
        title={words.linking.sockets(title)}
        heading={<p className="palette-for">{words.linking.sockets(title)}</p>}
        search={words.linking.which}
        options={matching(options, text)}
        onChoose={(chosen) => {
          setSocket(chosen.socket)
          setText("")
        }}
      />
    )
  }
  const asked = "from" in socket.end ? words.linking.to(socket.name, title) : words.linking.from(socket.name, title)
  return (
    <Picker
      key="partners"
      {...typed}
      title={asked}
      heading={
        <p className="palette-for">
          <i className="dot" style={{ background: colourOf(socket.type) }} />
          {asked}
        </p>
      }
      search={"from" in socket.end ? words.linking.whereTo : words.linking.whereFrom}
      options={matching(waysOf(app, graph, socket, at), text)}
      onChoose={(chosen) => {
        close()
        chosen.take()
      }}
    />
  )
}

function socketOption(app: App, socket: Socket, number: number): Option & { socket: Socket } {
  const linked = socket.links.map((link) => ("from" in socket.end ? into(app, link) : outOf(app, link)))
  const side = "from" in socket.end ? words.linking.output : words.linking.input
  return { key: String(number), text: socket.name, detail: linked.length > 0 ? linked.join(", ") : `${side}, ${socket.type}`, colour: colourOf(socket.type), socket }
}

interface Way extends Option {
  readonly take: () => void
}

/** What can be done with a socket: links to all that fits, a new node, and the cuts of its links. */
function waysOf(app: App, graph: Graph, socket: Socket, at: Point): Way[] {
  const { editor, view } = app
  const { end } = socket
  const type = typeOfEnd(graph, end) ?? socket.type
  const ways = partnersOf(graph, end, type).map((partner, number): Way => ({
    key: `to ${number}`,
    text: words.linking.of(partner.name, ownerOf(app.place, partner.node)),
    detail: "from" in end && partner.links.length > 0 ? words.linking.replaces : partner.type,
    colour: colourOf(partner.type),
    take: () => {
      link(app, socket, partner)
    },
  }))
  const fresh: Way = {
    key: "new",
    text: words.linking.newNode,
    detail: "",
    take: () => {
      view.set({ palette: { at: "from" in end ? { x: at.x + BESIDE, y: at.y } : leftOf(graph, end.to.node), end, findsRoom: true } })
    },
  }
  const promotion = promote(editor.workflow, graph, end, newUuid)
  const shown: Way[] = promotion === null ? [] : [{
    key: "promote",
    text: "from" in end ? words.linking.newOutput(graph.name) : words.linking.newInput(graph.name),
    detail: "",
    take: () => {
      app.relink(promotion)
    },
  }]
  const cuts = socket.links.map((each): Way => ({
    key: `cut ${each.id}`,
    text: "from" in end ? words.linking.cutTo(into(app, each)) : words.linking.cutFrom(outOf(app, each)),
    detail: "",
    take: () => {
      app.relink({ type: "disconnect", graph: graph.id, id: each.id })
    },
  }))
  return [...ways, fresh, ...shown, ...cuts]
}

function link(app: App, { end }: Socket, partner: Partner): void {
  const other = partner.end
  if ("from" in end && "to" in other) app.relink(connect(app.editor.graph, end.from, other.to))
  if ("to" in end && "from" in other) app.relink(connect(app.editor.graph, other.from, end.to))
}

function leftOf(graph: Graph, id: NodeId): Point {
  const { x, y } = graph.nodes.get(id)?.at ?? { x: 0, y: 0 }
  return { x: x - BESIDE, y }
}

function into(app: App, { to }: Link): string {
  return words.linking.of(inputName(app.editor.graph, to), ownerOf(app.place, to.node))
}

function outOf(app: App, { from }: Link): string {
  return words.linking.of(outputName(app.editor.graph, from), ownerOf(app.place, from.node))
}

function matching<O extends Option>(options: readonly O[], text: string): O[] {
  const asked = text.toLowerCase().split(/\s+/).filter(Boolean)
  return options.filter((each) => asked.every((word) => `${each.text} ${each.detail}`.toLowerCase().includes(word)))
}
