/** What a brush covers: along a line, and fading towards its edge. */

import { within, type Box, type Mask } from "~/mask/raster"

export interface Brush {
  /** In pixels of the picture. */
  readonly radius: number
  /** 1: full up to the edge; 0: fading from the middle on. */
  readonly hardness: number
  readonly erases: boolean
}

/** A point of a stroke; a pen that is pressed less draws thinner. */
export interface Dab {
  readonly x: number
  readonly y: number
  /** 0 to 1. */
  readonly pressure: number
}

const THINNEST = 0.15

/** How much is covered so far from the middle, 0 to 1. The hardest edge still fades over one pixel, so that it is smooth. */
export function coverAt(distance: number, radius: number, hardness: number): number {
  const inner = Math.max(0, Math.min(radius * hardness, radius - 0.5))
  const outer = Math.max(radius, inner + 1)
  if (distance <= inner) return 1
  if (distance >= outer) return 0
  const left = (outer - distance) / (outer - inner)
  return left * left * (3 - 2 * left)
}

/** Raise the cover to what a brush covers on the way between two points; the box of what it may have touched. */
export function coverLine(cover: Mask, from: Dab, to: Dab, { radius, hardness }: Brush): Box {
  const [first, last] = [radiusAt(radius, from), radiusAt(radius, to)]
  const reach = Math.max(first, last) + 1
  const box = within(cover, {
    left: Math.min(from.x, to.x) - reach,
    top: Math.min(from.y, to.y) - reach,
    right: Math.max(from.x, to.x) + reach,
    bottom: Math.max(from.y, to.y) + reach,
  })
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const length2 = dx * dx + dy * dy
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y]
      const along = length2 === 0 ? 0 : Math.min(Math.max((px * dx + py * dy) / length2, 0), 1)
      const distance = Math.hypot(px - along * dx, py - along * dy)
      const covered = Math.round(255 * coverAt(distance, first + along * (last - first), hardness))
      const at = y * cover.width + x
      if (covered > (cover.bytes[at] ?? 0)) cover.bytes[at] = covered
    }
  }
  return box
}

function radiusAt(radius: number, { pressure }: Dab): number {
  return radius * Math.max(THINNEST, pressure)
}
