import { useReactFlow } from "@xyflow/react"
import { useEffect } from "react"
import { TITLE_HEIGHT, type Drawn, type DrawnLink } from "~/canvas/flow"
import { useApp } from "~/state/use"
import type { Camera } from "~/state/view"

/** Lets commands look at the canvas and move over it; it draws nothing. */
export function CameraLink() {
  const { view } = useApp()
  const flow = useReactFlow<Drawn, DrawnLink>()
  useEffect(() => {
    const area = () => document.querySelector(".canvas")?.getBoundingClientRect() ?? new DOMRect()
    let pointer: { x: number; y: number } | null = null
    const onMove = (event: PointerEvent): void => {
      const isOver = event.target instanceof Element && event.target.closest(".canvas") !== null
      pointer = isOver ? { x: event.clientX, y: event.clientY } : null
    }
    const middle = () => {
      const { left, top, width, height } = area()
      return flow.screenToFlowPosition({ x: left + width / 2, y: top + height / 2 })
    }
    const camera: Camera = {
      fit: (ids) => {
        const nodes = ids === undefined ? {} : { nodes: [...ids].map((id) => ({ id })) }
        void flow.fitView({ ...nodes, padding: 0.15, maxZoom: 1, duration: 150 })
      },
      zoom: (direction) => void (direction === "in" ? flow.zoomIn() : flow.zoomOut()),
      toGraph: (point) => flow.screenToFlowPosition(point),
      toWindow: (point) => flow.flowToScreenPosition(point),
      pointer: () => (pointer === null ? middle() : flow.screenToFlowPosition(pointer)),
      middle,
      sizeOf: (id) => {
        const size = flow.getNode(id)?.measured
        if (size?.width === undefined || size.height === undefined) return undefined
        return { width: size.width, height: size.height - TITLE_HEIGHT }
      },
    }
    const detach = view.attach(camera)
    window.addEventListener("pointermove", onMove)
    return () => {
      window.removeEventListener("pointermove", onMove)
      detach()
    }
  }, [view, flow])
  return null
}
