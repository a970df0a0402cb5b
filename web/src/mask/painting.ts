/** A mask that is painted: strokes, and what can be undone. */

import { coverLine, type Brush, type Dab } from "~/mask/brush"
import { around, cut, emptyMask, invert, isEmpty, isNowhere, NOWHERE, paste, whole, type Box, type Mask } from "~/mask/raster"

/** What undoing puts back; `null` bytes: the whole was inverted. */
interface Step {
  readonly box: Box
  readonly bytes: Uint8Array | null
}

interface Stroke {
  readonly brush: Brush
  last: Dab
  box: Box
}

const MOST_KEPT = 256 * 2 ** 20 // bytes

/**
 * Strokes change the mask as they are drawn. Within one stroke a place is covered as much as its strongest dab covers
 * it, so that a soft brush that goes to and fro stays soft. Whatever changes answers with the box to draw again.
 */
export class Painting {
  private readonly cover: Mask // of the stroke that is going on
  private readonly before: Mask // what the mask was before it
  private stroke: Stroke | null = null
  private past: readonly Step[] = []
  private future: readonly Step[] = []
  private forgotten = 0

  constructor(
    readonly mask: Mask,
    private readonly mostKept = MOST_KEPT,
  ) {
    this.cover = emptyMask(mask.width, mask.height)
    this.before = { ...mask, bytes: mask.bytes.slice() }
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** Whether closing would lose something. */
  get isChanged(): boolean {
    return this.past.length + this.forgotten > 0
  }

  get isPainting(): boolean {
    return this.stroke !== null
  }

  begin(brush: Brush, at: Dab): Box {
    const ended = this.end()
    this.stroke = { brush, last: at, box: NOWHERE }
    return around(ended, this.moveTo(at))
  }

  moveTo(to: Dab): Box {
    const { stroke } = this
    if (stroke === null) return NOWHERE
    const box = coverLine(this.cover, stroke.last, to, stroke.brush)
    stroke.last = to
    stroke.box = around(stroke.box, box)
    this.mix(box, stroke.brush.erases)
    return box
  }

  /** End the stroke; one that reached nothing leaves nothing to undo. */
  end(): Box {
    const { stroke } = this
    if (stroke === null) return NOWHERE
    this.stroke = null
    const { box } = stroke
    if (isNowhere(box)) return box
    const old = cut(this.before, box)
    const made = cut(this.mask, box)
    this.settle(box)
    if (old.some((each, at) => each !== made[at])) this.keep({ box, bytes: old })
    return box
  }

  /** Take back the stroke that is going on, as when a second finger comes down. */
  cancel(): Box {
    const { stroke } = this
    if (stroke === null) return NOWHERE
    this.stroke = null
    paste(this.mask, stroke.box, cut(this.before, stroke.box))
    this.settle(stroke.box)
    return stroke.box
  }

  invert(): Box {
    this.end()
    invert(this.mask)
    this.keep({ box: whole(this.mask), bytes: null })
    return this.settled()
  }

  clear(): Box {
    this.end()
    if (isEmpty(this.mask)) return NOWHERE
    this.keep({ box: whole(this.mask), bytes: this.mask.bytes.slice() })
    this.mask.bytes.fill(0)
    return this.settled()
  }

  undo(): Box {
    if (this.stroke !== null) return this.cancel()
    const step = this.past.at(-1)
    if (step === undefined) return NOWHERE
    this.past = this.past.slice(0, -1)
    this.future = [...this.future, this.swap(step)]
    return step.box
  }

  redo(): Box {
    const step = this.future.at(-1)
    if (step === undefined || this.stroke !== null) return NOWHERE
    this.future = this.future.slice(0, -1)
    this.past = [...this.past, this.swap(step)]
    return step.box
  }

  private mix({ left, top, right, bottom }: Box, erases: boolean): void {
    for (let y = top; y < bottom; y++) {
      for (let at = y * this.mask.width + left; at < y * this.mask.width + right; at++) {
        const [old, cover] = [this.before.bytes[at] ?? 0, this.cover.bytes[at] ?? 0]
        this.mask.bytes[at] = erases ? Math.round((old * (255 - cover)) / 255) : Math.max(old, cover)
      }
    }
  }

  /** The next stroke begins from what the mask is in a box now. */
  private settle(box: Box): void {
    paste(this.before, box, cut(this.mask, box))
    paste(this.cover, box, new Uint8Array((box.right - box.left) * (box.bottom - box.top)))
  }

  private settled(): Box {
    this.before.bytes.set(this.mask.bytes)
    return whole(this.mask)
  }

  /** Do a step, and give the one that takes it back. */
  private swap(step: Step): Step {
    const back = step.bytes === null ? step : { box: step.box, bytes: cut(this.mask, step.box) }
    if (step.bytes === null) invert(this.mask)
    else paste(this.mask, step.box, step.bytes)
    this.settle(step.box)
    return back
  }

  private keep(step: Step): void {
    this.future = []
    this.past = [...this.past, step]
    let kept = this.past.reduce((sum, each) => sum + (each.bytes?.length ?? 0), 0)
    while (kept > this.mostKept && this.past.length > 1) {
      kept -= this.past[0]?.bytes?.length ?? 0
      this.past = this.past.slice(1)
      this.forgotten += 1
    }
  }
}
