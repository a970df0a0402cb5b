/** Links drawn by hand: from socket to socket, to the body of a node, or into the void, where the palette opens. */

import type { Connection, Edge, FinalConnectionState, OnConnectStartParams } from "@xyflow/react"
import { useMemo, useRef } from "react"
import { connectToNode, typeOfEnd, type LooseEnd } from "~/document/edits/add"
import { reconnect, refusal } from "~/document/edits/connect"
import { connectGrowing } from "~/document/edits/reshape"
import type { Point } from "~/document/workflow"
import type { App } from "~/state/app"
import { useApp } from "~/state/use"

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
        const ends = endsOf(made)
        return refusal(app.editor.graph, ends.from, ends.to) === null
      },
      onConnectStart: (_: unknown, params: OnConnectStartParams) => {
        const end = looseEnd(params)
        const type = end && typeOfEnd(app.editor.graph, end)
        app.view.set({ dragged: end === null || type === undefined || type === null ? null : { end, type } })
      },
      onConnect: (made: Connection) => {
        const ends = endsOf(made)
        app.editor.edit(connectGrowing(app.place, ends.from, ends.to))
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
        if (link !== undefined) app.editor.edit(reconnect(app.editor.graph, link, endsOf(made)))
      },
      onReconnectEnd: (_: unknown, edge: Edge, __: unknown, state: FinalConnectionState) => {
        held.current = null
        app.view.set({ dragged: null })
        const { graph } = app.editor
        if (state.toHandle === null && graph.links.has(edge.id)) app.editor.edit({ type: "disconnect", graph: graph.id, id: edge.id })
      },
    }),
    [app],
  )
}

function dropInTheVoid(app: App, end: LooseEnd, point: Point): void {
  const { editor, view } = app
  const under = document.elementFromPoint(point.x, point.y)?.closest<HTMLElement>(".react-flow__node")
  const node = editor.graph.nodes.get(under?.dataset["id"] ?? "")
  if (node !== undefined) {
    const change = connectToNode(editor.graph, end, node)
    if (change !== null) editor.edit(change)
    return
  }
  if (under === null || under === undefined) view.set({ palette: { at: view.camera?.toGraph(point) ?? point, end } })
}
