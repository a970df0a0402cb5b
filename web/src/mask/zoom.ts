/** Where a picture lies in a window that shows it: moved and enlarged. */

export interface Spot {
  readonly x: number
  readonly y: number
}

export interface Extent {
  readonly width: number
  readonly height: number
}

/** A point p of the picture is seen at `p * scale + (x, y)`. */
export interface Placing extends Spot {
  readonly scale: number
}

const LARGEST = 40 // pixels of the window for one of the picture
const MARGIN = 24

/** The whole picture in the middle of the window; a small one is enlarged. */
export function fitted(picture: Extent, window: Extent): Placing {
  const across = Math.max(window.width - 2 * MARGIN, 1) / picture.width
  const down = Math.max(window.height - 2 * MARGIN, 1) / picture.height
  const scale = Math.min(across, down, LARGEST)
  return { scale, x: (window.width - picture.width * scale) / 2, y: (window.height - picture.height * scale) / 2 }
}

/** Enlarge by a factor, so that what is at a point of the window stays there. */
export function zoomed(placing: Placing, at: Spot, factor: number, smallest: number): Placing {
  const scale = Math.min(Math.max(placing.scale * factor, smallest), LARGEST)
  const by = scale / placing.scale
  return { scale, x: at.x - (at.x - placing.x) * by, y: at.y - (at.y - placing.y) * by }
}

export function moved(placing: Placing, by: Spot): Placing {
  return { ...placing, x: placing.x + by.x, y: placing.y + by.y }
}

/** Follow two fingers: what was under them stays under them. */
export function pinched(placing: Placing, from: readonly [Spot, Spot], to: readonly [Spot, Spot], smallest: number): Placing {
  const middle = ([a, b]: readonly [Spot, Spot]): Spot => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })
  const apart = ([a, b]: readonly [Spot, Spot]): number => Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1)
  const [old, now] = [middle(from), middle(to)]
  return moved(zoomed(placing, old, apart(to) / apart(from), smallest), { x: now.x - old.x, y: now.y - old.y })
}

/** The point of the picture that is seen at one of the window. */
export function inPicture(placing: Placing, at: Spot): Spot {
  return { x: (at.x - placing.x) / placing.scale, y: (at.y - placing.y) / placing.scale }
}
