/** What pointers do over a picture whose mask is painted: paint, move it, or enlarge it between two fingers. */

import type { PointerEvent } from "react"
import type { Dab } from "~/mask/brush"
import { inPicture, moved, pinched, type Spot } from "~/mask/zoom"
import type { Easel } from "~/panels/easel"

const [MIDDLE, RIGHT, ERASER] = [1, 2, 5] // buttons as the browser counts them

type Doing = "painting" | "moving" | "pinching" | null

export class Hand {
  private readonly touched = new Map<number, Spot>()
  private doing: Doing = null

  constructor(private readonly easel: Easel) {}

  readonly down = (event: PointerEvent): void => {
    event.currentTarget.setPointerCapture(event.pointerId)
    this.touched.set(event.pointerId, spotOf(event, event.currentTarget))
    this.doing = this.begin(event)
  }

  readonly move = (event: PointerEvent): void => {
    const { easel, touched } = this
    const { placing } = easel.state
    const [old, spot] = [touched.get(event.pointerId), spotOf(event, event.currentTarget)]
    const before = [...touched.values()]
    easel.set({ at: inPicture(placing, spot) })
    if (old === undefined) return
    touched.set(event.pointerId, spot)
    if (this.doing === "painting") {
      const told = event.nativeEvent.getCoalescedEvents()
      for (const each of told.length > 0 ? told : [event.nativeEvent]) easel.moveTo(this.dabOf(each, event.currentTarget))
    } else if (this.doing === "moving") easel.place(moved(placing, { x: spot.x - old.x, y: spot.y - old.y }))
    else if (this.doing === "pinching") easel.place(pinched(placing, pairOf(before), pairOf([...touched.values()]), easel.smallest))
  }

  readonly up = (event: PointerEvent): void => {
    this.touched.delete(event.pointerId)
    if (this.doing === "painting") this.easel.end()
    this.doing = this.doing === "pinching" && this.touched.size === 1 ? "moving" : null
  }

  readonly leave = (): void => {
    if (this.doing === null) this.easel.set({ at: null })
  }

  private begin(event: PointerEvent): Doing {
    const { easel, touched } = this
    if (event.pointerType === "touch" && touched.size === 2) {
      easel.cancel() // the first finger had begun to paint
      return "pinching"
    }
    if (touched.size > 1) return this.doing
    if (event.button === MIDDLE || (event.button === 0 && easel.state.moves)) return "moving"
    if (event.button !== 0 && event.button !== RIGHT && event.button !== ERASER) return null
    easel.begin(this.dabOf(event.nativeEvent, event.currentTarget), event.button !== 0)
    return "painting"
  }

  private dabOf(event: globalThis.PointerEvent, stage: Element): Dab {
    const at = inPicture(this.easel.state.placing, spotOf(event, stage))
    return { ...at, pressure: event.pointerType === "pen" ? event.pressure : 1 }
  }
}

/** Where a pointer is in the window of the picture. */
export function spotOf(event: { clientX: number; clientY: number }, stage: Element): Spot {
  const box = stage.getBoundingClientRect()
  return { x: event.clientX - box.left - stage.clientLeft, y: event.clientY - box.top - stage.clientTop }
}

function pairOf([a, b]: readonly Spot[]): [Spot, Spot] {
  const first = a ?? { x: 0, y: 0 }
  return [first, b ?? first]
}
