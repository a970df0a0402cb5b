/** Drags of what lies on the canvas: groups carry what is in them, and a free node dropped on a link goes into it. */

import { useMemo } from "react"
import type { Drawn } from "~/canvas/flow"
import { pointOf } from "~/canvas/linking"
import { fitsOnLink, insertOnLink } from "~/document/edits/connect"
import { nodesInside } from "~/document/edits/drawn"
import { linksInto, linksOutOf } from "~/document/links"
import type { Graph, Link, Point } from "~/document/workflow"
import type { App } from "~/state/app"
import { useApp } from "~/state/use"

/** The link that lies under a point of the window, if a free node would fit into it. */
export function linkUnder(point: Point): string | null {
  for (const each of document.elementsFromPoint(point.x, point.y)) {
    const edge = each.closest<HTMLElement>(".react-flow__edge")
    const id = edge?.dataset["id"]
    if (id !== undefined) return id
  }
  return null
}

export function useDragging() {
  const app = useApp()
  return useMemo(
    () => ({
      onNodeDragStart: (_: unknown, __: unknown, dragged: Drawn[]) => {
        const groups = dragged.filter((each) => each.type === "box")
        app.view.set({ carried: new Map(groups.map((each) => [each.id, inside(app, each.id)])) })
      },
      onNodeDrag: (event: MouseEvent | TouchEvent, _: unknown, dragged: Drawn[]) => {
        const dropLink = fittingLink(app.editor.graph, dragged, event)?.id ?? null
        if (app.view.state.dropLink !== dropLink) app.view.set({ dropLink })
      },
      onNodeDragStop: (event: MouseEvent | TouchEvent, _: unknown, dragged: Drawn[]) => {
        const { graph } = app.editor
        const link = fittingLink(graph, dragged, event)
        const node = graph.nodes.get(dragged[0]?.id ?? "")
        app.view.set({ dropLink: null, carried: new Map() })
        const change = link && node && insertOnLink(graph, link, node)
        if (change !== undefined && change !== null) app.relink(change)
      },
    }),
    [app],
  )
}

function fittingLink(graph: Graph, dragged: readonly Drawn[], event: MouseEvent | TouchEvent): Link | undefined {
  const node = graph.nodes.get(dragged[0]?.id ?? "")
  if (node === undefined || dragged.length !== 1) return undefined
  if (linksInto(graph, node.id).size + linksOutOf(graph, node.id).length > 0) return undefined
  const link = graph.links.get(linkUnder(pointOf(event)) ?? "")
  return link !== undefined && fitsOnLink(graph, link, node) !== null ? link : undefined
}

function inside(app: App, id: string): readonly string[] {
  const { graph } = app.editor
  const group = graph.groups.get(id.slice(6))
  if (group === undefined) return []
  const { at, size } = group
  const isInside = (point: Point): boolean =>
    point.x >= at.x && point.x <= at.x + size.width && point.y >= at.y && point.y <= at.y + size.height
  const reroutes = [...graph.reroutes.values()].filter((each) => isInside(each.at)).map((each) => `reroute:${each.id}`)
  return [...nodesInside(graph, group), ...reroutes]
}
