/** Which of some boxes one comes to by going left, right, up or down. */

import type { Rect } from "~/document/workflow"

export type Direction = "left" | "right" | "up" | "down"

const ASIDE = 2 // what lies aside counts as so many times farther off

/** The box that lies nearest in a direction; undefined where none lies there. */
export function nearest<K>(boxes: ReadonlyMap<K, Rect>, from: Rect, direction: Direction): K | undefined {
  let found: K | undefined
  let least = Infinity
  for (const [key, box] of boxes) {
    const distance = distanceTo(box, from, direction)
    if (distance === null || distance >= least) continue
    found = key
    least = distance
  }
  return found
}

/** How far a box is in a direction; null where its middle does not lie there. */
function distanceTo(box: Rect, from: Rect, direction: Direction): number | null {
  const isAcross = direction === "left" || direction === "right"
  const sign = direction === "left" || direction === "up" ? -1 : 1
  const along = sign * (isAcross ? middle(box).x - middle(from).x : middle(box).y - middle(from).y)
  if (along <= 0) return null
  const gap = isAcross
    ? apart(box.y, box.y + box.height, from.y, from.y + from.height)
    : apart(box.x, box.x + box.width, from.x, from.x + from.width)
  const drift = isAcross ? Math.abs(middle(box).y - middle(from).y) : Math.abs(middle(box).x - middle(from).x)
  if (gap > along) return null // lies more aside than in the direction
  return along + ASIDE * gap + drift / 10
}

function middle({ x, y, width, height }: Rect): { x: number; y: number } {
  return { x: x + width / 2, y: y + height / 2 }
}

/** How far two stretches are from each other; 0 where they meet. */
function apart(start: number, end: number, otherStart: number, otherEnd: number): number {
  return Math.max(0, otherStart - end, start - otherEnd)
}
