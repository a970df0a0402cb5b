/** What React Flow tells of moves, sizes and choices, as changes of the document. */

import type { EdgeChange, NodeChange } from "@xyflow/react"
import { type Drawn, type DrawnLink } from "~/canvas/flow"
import { batch, type Change } from "~/document/change"
import { moveReroute } from "~/document/edits/drawn"
import { moveNodes } from "~/document/edits/nodes"
import { isSlotKey } from "~/document/edits/slots"
import { INPUTS, OUTPUTS, TITLE_HEIGHT, type Graph, type NodeId, type Point } from "~/document/workflow"
import type { App } from "~/state/app"
import type { ViewState } from "~/state/view"

type Carried = ViewState["carried"]

export function followNodes(app: App, changes: readonly NodeChange<Drawn>[]): void {
  const { editor } = app
  const { graph } = editor
  const moved = new Map<string, Point>()
  const edits: Change[] = []
  for (const change of changes) {
    if (change.type === "position" && change.position !== undefined) moved.set(change.id, change.position)
    if (change.type === "dimensions" && change.setAttributes !== undefined && change.setAttributes !== false && change.dimensions !== undefined) {
      edits.push(...resized(graph, change.id, change.dimensions))
    }
  }
  edits.push(...moves(graph, moved, app.view.state.carried))
  if (edits.length > 0) editor.edit(batch(...edits), "drag")
  const isOver = changes.some(
    (each) => (each.type === "position" && each.dragging === false) || (each.type === "dimensions" && each.resizing === false),
  )
  if (isOver) editor.seal()
  choose(app, changes, (id) => id)
}

export function followLinks(app: App, changes: readonly EdgeChange<DrawnLink>[]): void {
  choose(app, changes, (id) => `link:${id}`)
}

function choose(app: App, changes: readonly (NodeChange<Drawn> | EdgeChange<DrawnLink>)[], named: (id: string) => string): void {
  const chosen = new Set([...app.editor.state.selected].filter((id) => !isSlotKey(id)))
  let isChanged = false
  for (const change of changes) {
    if (change.type !== "select") continue
    isChanged = true
    if (change.selected) chosen.add(named(change.id))
    else chosen.delete(named(change.id))
  }
  if (isChanged) app.editor.select(chosen)
}

function resized(graph: Graph, id: string, size: { width: number; height: number }): Change[] {
  const group = id.startsWith("group:") ? id.slice(6) : undefined
  if (group !== undefined) return [{ type: "edit-group", graph: graph.id, id: group, set: { size: { ...size } } }]
  if (!graph.nodes.has(id)) return []
  return [{ type: "edit-node", graph: graph.id, id, set: { size: { width: size.width, height: size.height - TITLE_HEIGHT } } }]
}

function moves(graph: Graph, moved: ReadonlyMap<string, Point>, carried: Carried): Change[] {
  const nodes = new Map<NodeId, Point>()
  const changes: Change[] = []
  for (const [id, to] of moved) {
    if (id.startsWith("reroute:")) changes.push(moveReroute(graph, id.slice(8), to))
    else if (id.startsWith("group:")) changes.push(...moveGroups(graph, id, to, moved, carried, nodes))
    else if (id === INPUTS) changes.push({ type: "edit-graph", graph: graph.id, set: { inputColumn: { ...graph.inputColumn, ...to } } })
    else if (id === OUTPUTS) changes.push({ type: "edit-graph", graph: graph.id, set: { outputColumn: { ...graph.outputColumn, ...to } } })
    else nodes.set(id, { x: to.x, y: to.y + TITLE_HEIGHT })
  }
  return nodes.size > 0 ? [...changes, moveNodes(graph, nodes)] : changes
}

/** A group takes along what lies in it, save what is dragged by itself. */
function moveGroups(
  graph: Graph, id: string, to: Point, moved: ReadonlyMap<string, Point>, carried: Carried, nodes: Map<NodeId, Point>,
): Change[] {
  const group = graph.groups.get(id.slice(6))
  if (group === undefined) return []
  const [dx, dy] = [to.x - group.at.x, to.y - group.at.y]
  const changes: Change[] = [{ type: "edit-group", graph: graph.id, id: group.id, set: { at: { x: to.x, y: to.y } } }]
  for (const each of carried.get(id) ?? []) {
    if (moved.has(each)) continue
    const reroute = each.startsWith("reroute:") ? graph.reroutes.get(each.slice(8)) : undefined
    const node = graph.nodes.get(each)
    if (reroute !== undefined) changes.push(moveReroute(graph, reroute.id, { x: reroute.at.x + dx, y: reroute.at.y + dy }))
    else if (node !== undefined && !nodes.has(each)) nodes.set(each, { x: node.at.x + dx, y: node.at.y + dy })
  }
  return changes
}
