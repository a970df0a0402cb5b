import { useEffect, useRef, useState, type KeyboardEvent } from "react"
import { useStore } from "zustand"
import type { Easel } from "~/panels/easel"
import { Hand, spotOf } from "~/panels/mask_hand"
import { words } from "~/words/words"

const PER_PIXEL = 1.0015 // of the wheel
const PIXELS_PER_LINE = 30
const SHARP = 3 // enlarged more than so, pixels are shown as squares

/** The picture with its mask above it, as a paper under the brush. */
export function MaskSurface({ easel }: { readonly easel: Easel }) {
  const { width, height } = easel.picture.mask
  const stage = useRef<HTMLDivElement>(null)
  const sheet = useRef<HTMLCanvasElement>(null)
  const [hand] = useState(() => new Hand(easel))
  const placing = useStore(easel.store, (state) => state.placing)
  const opacity = useStore(easel.store, (state) => state.opacity)
  const moves = useStore(easel.store, (state) => state.moves)
  useEffect(() => {
    easel.attach(sheet.current)
    return () => {
      easel.attach(null)
    }
  }, [easel])
  useEffect(() => {
    const shown = stage.current
    if (shown === null) return
    shown.focus()
    const watch = new ResizeObserver(() => {
      easel.setWindow({ width: shown.clientWidth, height: shown.clientHeight })
    })
    watch.observe(shown)
    const turn = (event: WheelEvent): void => {
      event.preventDefault() // React listens passively, and could not
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * PIXELS_PER_LINE
      easel.zoom(PER_PIXEL ** -pixels, spotOf(event, shown))
    }
    shown.addEventListener("wheel", turn, { passive: false })
    return () => {
      watch.disconnect()
      shown.removeEventListener("wheel", turn)
    }
  }, [easel])
  return (
    <div
      ref={stage}
      className={moves ? "mask-stage moves" : "mask-stage"}
      tabIndex={0}
      role="application"
      aria-label={words.mask.surface}
      onKeyDown={(event) => {
        press(easel, event)
      }}
      onKeyUp={(event) => {
        if (event.key === " ") easel.set({ moves: false })
      }}
      onBlur={() => {
        easel.set({ moves: false })
      }}
      onContextMenu={(event) => {
        event.preventDefault()
      }}
      onPointerDown={hand.down}
      onPointerMove={hand.move}
      onPointerUp={hand.up}
      onPointerCancel={hand.up}
      onPointerLeave={hand.leave}
    >
      <div
        className={placing.scale > SHARP ? "mask-sheet sharp" : "mask-sheet"}
        style={{ width, height, transform: `translate(${placing.x}px, ${placing.y}px) scale(${placing.scale})` }}
      >
        <img src={easel.picture.url} width={width} height={height} alt="" draggable={false} />
        <canvas ref={sheet} width={width} height={height} style={{ opacity }} />
      </div>
      <BrushEdge easel={easel} />
    </div>
  )
}

function BrushEdge({ easel }: { readonly easel: Easel }) {
  const { at, brush, placing } = useStore(easel.store)
  if (at === null) return null
  const size = 2 * brush.radius * placing.scale
  const style = { width: size, height: size, left: at.x * placing.scale + placing.x, top: at.y * placing.scale + placing.y }
  return <span className={brush.erases ? "mask-brush erases" : "mask-brush"} style={style} />
}

/** The brush led by the keyboard; Shift moves it pixel by pixel. */
function press(easel: Easel, event: KeyboardEvent): void {
  const { width, height } = easel.picture.mask
  const { at, brush } = easel.state
  const step = event.shiftKey ? 1 : Math.max(1, Math.round(brush.radius / 2))
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
  const from = at ?? { x: width / 2, y: height / 2 }
  if (by !== undefined) {
    const along = (start: number, way: number | undefined, end: number) => Math.min(Math.max(start + (way ?? 0) * step, 0), end)
    easel.set({ at: { x: along(from.x, by[0], width), y: along(from.y, by[1], height) } })
  } else if (event.key === "Enter") {
    easel.set({ at: from })
    easel.begin({ ...from, pressure: 1 })
    easel.end()
  } else if (event.key === " ") easel.set({ moves: true })
  else return
  event.preventDefault()
}
