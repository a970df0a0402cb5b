import { useNodesInitialized, useReactFlow } from "@xyflow/react"
import { useEffect, useRef } from "react"
import { TITLE_HEIGHT, type Drawn, type DrawnLink } from "~/canvas/flow"
import { useApp, useEditor } from "~/state/use"
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
  useFitting()
  return null
}

/** What was opened or entered is brought into view. */
function useFitting(): void {
  const { view } = useApp()
  const opened = useEditor((state) => (state.history.past.length + state.history.future.length === 0 ? state.saved : null))
  const path = useEditor((state) => state.path.join(":"))
  const isDrawn = useNodesInitialized()
  const fitted = useRef("")
  const number = useRef({ of: opened, at: 0 })
  useEffect(() => {
    if (opened !== null && number.current.of !== opened) number.current = { of: opened, at: number.current.at + 1 }
    const shown = `${number.current.at} ${path}`
    if (!isDrawn || fitted.current === shown) return
    fitted.current = shown
    requestAnimationFrame(() => view.camera?.fit()) // once React Flow has the nodes too
  }, [view, opened, path, isDrawn])
}
