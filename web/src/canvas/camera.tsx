import { getViewportForBounds, useReactFlow, type ReactFlowInstance, type Rect, type Viewport } from "@xyflow/react"
import { useEffect, useRef } from "react"
import { focused, focusInto, focusOn } from "~/canvas/focus"
import { type Drawn, type DrawnLink } from "~/canvas/flow"
import { TITLE_HEIGHT } from "~/document/workflow"
import { useApp, useEditor, useTab } from "~/state/use"
import type { Camera } from "~/state/view"

export const LEAST_ZOOM = 0.05
const FITTED_PADDING = 0.15 // of what is seen

/** Lets commands look at the canvas and move over it; it draws nothing. */
export function CameraLink() {
  const { view } = useApp()
  const flow = useReactFlow<Drawn, DrawnLink>()
  useEffect(() => {
    const area = () => document.querySelector(".canvas")?.getBoundingClientRect() ?? new DOMRect()
    let pointer: { x: number; y: number } | null = null
    const onMove = (event: PointerEvent): void => {
      if (event.target instanceof Element && event.target.closest(".menu-behind") !== null) return // it stays where the menu was asked for
      const isOver = event.target instanceof Element && event.target.closest(".canvas") !== null
      pointer = isOver ? { x: event.clientX, y: event.clientY } : null
    }
    const middle = () => {
      const { left, top, width, height } = area()
      return flow.screenToFlowPosition({ x: left + width / 2, y: top + height / 2 })
    }
    const camera: Camera = {
      fit: (ids, atOnce = false) => {
        const wanted = ids === undefined ? flow.getNodes() : [...ids].flatMap((id) => flow.getNode(id) ?? [])
        if (wanted.length === 0) return
        const { width, height } = area()
        const view = getViewportForBounds(boundsOf(wanted), width, height, LEAST_ZOOM, 1, FITTED_PADDING)
        void flow.setViewport(view, { duration: atOnce || isCalm() ? 0 : 150 })
      },
      zoom: (direction) => void (direction === "in" ? flow.zoomIn() : flow.zoomOut()),
      toGraph: (point) => flow.screenToFlowPosition(point),
      toWindow: (point) => flow.flowToScreenPosition(point),
      focus: (id) => {
        show(flow, id, area())
        focusOn(id)
        pointer = null // who goes by keys points at nothing
      },
      focusInto,
      focused,
      pointer: () => (pointer === null ? null : flow.screenToFlowPosition(pointer)),
      middle,
      sizeOf: (id) => {
        const size = flow.getNode(id)?.measured
        if (size?.width === undefined || size.height === undefined) return undefined
        return { width: size.width, height: size.height - TITLE_HEIGHT }
      },
    }
    const detach = view.attach(camera)
    window.addEventListener("pointermove", onMove)
    window.addEventListener("pointerdown", onMove, true) // fingers do not move before
    return () => {
      window.removeEventListener("pointermove", onMove)
      window.removeEventListener("pointerdown", onMove, true)
      detach()
    }
  }, [view, flow])
  useFitting(flow)
  return null
}

const EDGE = 40 // pixels between what is shown and the edge

/** Move the view so far that a node is seen whole, or its top left corner where it is too large for that. */
function show(flow: ReactFlowInstance<Drawn, DrawnLink>, id: string, area: DOMRect): void {
  const node = flow.getNode(id)
  if (node === undefined) return
  const { x, y, zoom } = flow.getViewport()
  const { width = 0, height = 0 } = node.measured ?? {}
  const by = (start: number, length: number, most: number): number => {
    const over = Math.max(0, start + length - (most - EDGE))
    return start < EDGE ? EDGE - start : -Math.min(over, start - EDGE)
  }
  const dx = by(node.position.x * zoom + x, width * zoom, area.width)
  const dy = by(node.position.y * zoom + y, height * zoom, area.height)
  if (dx !== 0 || dy !== 0) void flow.setViewport({ x: x + dx, y: y + dy, zoom })
}

/** What nodes take up: React Flow's own measure leaves out those that were never drawn, being out of sight. */
function boundsOf(nodes: readonly Drawn[]): Rect {
  const boxes = nodes.map(({ position: { x, y }, measured }) => ({ x, y, right: x + (measured?.width ?? 0), bottom: y + (measured?.height ?? 0) }))
  const x = Math.min(...boxes.map((box) => box.x))
  const y = Math.min(...boxes.map((box) => box.y))
  return { x, y, width: Math.max(...boxes.map((box) => box.right)) - x, height: Math.max(...boxes.map((box) => box.bottom)) - y }
}

/** Whether the user asked the system for less motion. */
function isCalm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches
}

/** Names what is shown: an open workflow, or a subgraph in it. */
export function useShown(): string {
  const tab = useTab()
  const path = useEditor((state) => state.path)
  return [tab.id, ...path].join(":")
}

/** What is shown for the first time is brought into view; later it is seen as it was left. */
function useFitting(flow: ReactFlowInstance<Drawn, DrawnLink>): void {
  const { view } = useApp()
  const shown = useShown()
  const left = useRef(new Map<string, Viewport>())
  useEffect(() => {
    const views = left.current
    const before = views.get(shown)
    let isThere = false
    const frame = requestAnimationFrame(() => {
      if (before === undefined) view.camera?.fit(undefined, true) // once React Flow has the nodes too
      else void flow.setViewport(before)
      isThere = true
    })
    return () => {
      cancelAnimationFrame(frame)
      if (isThere) views.set(shown, flow.getViewport())
    }
  }, [view, flow, shown])
}
