/** Links drawn by hand: from socket to socket, to the body of a node, or into the void, where the palette opens. */

import type { Connection, Edge, FinalConnectionState, OnConnectStartParams } from "@xyflow/react"
import { useMemo, useRef } from "react"
import { batch, type Change } from "~/document/change"
import { connectToNode, typeOfEnd, type LooseEnd } from "~/document/edits/add"
import { addInput, addOutput } from "~/document/edits/boundary"
import { connect, reconnect, refusal, typeFrom, typeInto, type Refusal } from "~/document/edits/connect"
import { newUuid } from "~/document/ids"
import { INPUTS, OUTPUTS, type Graph, type Point } from "~/document/workflow"
import type { App } from "~/state/app"
import { useApp } from "~/state/use"

/** The handle of a subgraph's input or output that is not there yet. */
export const NEW = "+"

export function endsOf(made: Connection | Edge) {
  return {
    from: { node: made.source, output: Number(made.sourceHandle) },
    to: { node: made.target, input: made.targetHandle ?? "" },
  }
}

function looseEnd({ nodeId, handleId, handleType }: OnConnectStartParams): LooseEnd | null {
  if (nodeId === null || handleId === null) return null
  return handleType === "source" ? { from: { node: nodeId, output: Number(handleId) } } : { to: { node: nodeId, input: handleId } }
}

export function pointOf(event: MouseEvent | TouchEvent): Point {
  const touch = "changedTouches" in event ? event.changedTouches[0] : event
  return { x: touch?.clientX ?? 0, y: touch?.clientY ?? 0 }
}

/** What React Flow calls while links are drawn. */
export function useLinking() {
  const app = useApp()
  const held = useRef<Edge | null>(null) // the link whose end is in hand
  return useMemo(
    () => ({
      isValidConnection: (made: Connection | Edge) => {
        return refusalOf(app.editor.graph, made) === null
      },
      onConnectStart: (_: unknown, params: OnConnectStartParams) => {
        const end = looseEnd(params)
        const type = end && typeOfEnd(app.editor.graph, end)
        app.view.set({ dragged: end === null || type === undefined || type === null ? null : { end, type } })
      },
      onConnect: (made: Connection) => {
        app.relink(linkBetween(app, made))
      },
      onConnectEnd: (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
        const { dragged } = app.view.state
        app.view.set({ dragged: null })
        if (dragged === null || held.current !== null || state.toHandle !== null) return
        dropInTheVoid(app, dragged.end, pointOf(event))
      },
      onReconnectStart: (_: unknown, edge: Edge) => {
        held.current = edge
      },
      onReconnect: (edge: Edge, made: Connection) => {
        const link = app.editor.graph.links.get(edge.id)
        if (link === undefined) return
        const isNew = made.sourceHandle === NEW || made.targetHandle === NEW
        const cut = { type: "disconnect", graph: app.editor.graph.id, id: link.id } as const
        app.relink(isNew ? batch(cut, linkBetween(app, made)) : reconnect(app.editor.graph, link, endsOf(made)))
      },
      onReconnectEnd: (_: unknown, edge: Edge, __: unknown, state: FinalConnectionState) => {
        held.current = null
        app.view.set({ dragged: null })
        const { graph } = app.editor
        if (state.toHandle === null && graph.links.has(edge.id)) app.relink({ type: "disconnect", graph: graph.id, id: edge.id })
      },
    }),
    [app],
  )
}

/** Why two handles cannot be linked; null where they can. */
export function refusalOf(graph: Graph, made: Connection | Edge): Refusal | null {
  const { from, to } = endsOf(made)
  if (made.sourceHandle === NEW) return typeInto(graph, to) === undefined || to.node === OUTPUTS ? { because: "missing" } : null
  if (made.targetHandle === NEW) return typeFrom(graph, from) === undefined || from.node === INPUTS ? { because: "missing" } : null
  return refusal(graph, from, to)
}

/** The link between two handles, with an input or output of the subgraph for it where that is new. */
function linkBetween(app: App, made: Connection): Change {
  const { workflow, graph } = app.editor
  const { from, to } = endsOf(made)
  if (made.sourceHandle === NEW) return addInput(workflow, graph.id, to, newUuid())
  if (made.targetHandle === NEW) return addOutput(workflow, graph.id, from, newUuid())
  return connect(graph, from, to)
}

function dropInTheVoid(app: App, end: LooseEnd, point: Point): void {
  const { editor, view } = app
  const dropped = document.elementFromPoint(point.x, point.y)
  const under = dropped?.closest<HTMLElement>(".react-flow__node")
  const node = editor.graph.nodes.get(under?.dataset["id"] ?? "")
  if (node !== undefined) {
    const input = dropped?.closest<HTMLElement>("[data-input]")?.dataset["input"]
    const to = "from" in end && input !== undefined ? { node: node.id, input } : null
    const change =
      "from" in end && to !== null && refusal(editor.graph, end.from, to) === null
        ? connect(editor.graph, end.from, to)
        : connectToNode(editor.graph, end, node)
    if (change !== null) app.relink(change)
    return
  }
  if (under === null || under === undefined) view.set({ palette: { at: view.camera?.toGraph(point) ?? point, end } })
}
