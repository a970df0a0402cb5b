/** A mask as bytes, and rectangles of it. Nothing here knows how it is shown. */

export interface Mask {
  readonly width: number
  readonly height: number
  /** One a pixel, row by row: 255 where the picture is masked. */
  readonly bytes: Uint8Array
}

/** Whole pixels; `right` and `bottom` are the first that lie outside. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export const NOWHERE: Box = { left: 0, top: 0, right: 0, bottom: 0 }

export function emptyMask(width: number, height: number): Mask {
  return { width, height, bytes: new Uint8Array(width * height) }
}

/** The mask that a picture carries: where its pixels (red, green, blue, alpha) are transparent. */
export function maskOfPixels(width: number, height: number, pixels: ArrayLike<number>): Mask {
  const mask = emptyMask(width, height)
  for (let at = 0; at < mask.bytes.length; at++) mask.bytes[at] = 255 - (pixels[4 * at + 3] ?? 255)
  return mask
}

/** Black pixels that are transparent where the mask is. */
export function pixelsOfMask({ bytes }: Mask): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(bytes.length * 4)
  for (let at = 0; at < bytes.length; at++) pixels[4 * at + 3] = 255 - (bytes[at] ?? 0)
  return pixels
}

/** Pixels of one colour, as opaque as the mask is, within a box. */
export function tinted(mask: Mask, box: Box, [red, green, blue]: readonly [number, number, number]): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray((box.right - box.left) * (box.bottom - box.top) * 4)
  let to = 0
  for (let y = box.top; y < box.bottom; y++) {
    for (let at = y * mask.width + box.left; at < y * mask.width + box.right; at++) {
      pixels[to++] = red
      pixels[to++] = green
      pixels[to++] = blue
      pixels[to++] = mask.bytes[at] ?? 0
    }
  }
  return pixels
}

export function invert({ bytes }: Mask): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = 255 - (bytes[at] ?? 0)
}

export function isEmpty({ bytes }: Mask): boolean {
  return bytes.every((each) => each === 0)
}

export function whole({ width, height }: Mask): Box {
  return { left: 0, top: 0, right: width, bottom: height }
}

export function isNowhere(box: Box): boolean {
  return box.right <= box.left || box.bottom <= box.top
}

/** The smallest box around two. */
export function around(a: Box, b: Box): Box {
  if (isNowhere(a)) return b
  if (isNowhere(b)) return a
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  }
}

/** The part of a box that lies within the mask. */
export function within(mask: Mask, box: Box): Box {
  const left = Math.min(Math.max(Math.floor(box.left), 0), mask.width)
  const top = Math.min(Math.max(Math.floor(box.top), 0), mask.height)
  const right = Math.min(Math.max(Math.ceil(box.right), left), mask.width)
  const bottom = Math.min(Math.max(Math.ceil(box.bottom), top), mask.height)
  return { left, top, right, bottom }
}

/** The bytes of a box, row by row. */
export function cut({ bytes, width }: Mask, { left, top, right, bottom }: Box): Uint8Array {
  const piece = new Uint8Array((right - left) * (bottom - top))
  for (let y = top; y < bottom; y++) piece.set(bytes.subarray(y * width + left, y * width + right), (y - top) * (right - left))
  return piece
}

/** Put bytes that were cut back into their box. */
export function paste({ bytes, width }: Mask, { left, top, right, bottom }: Box, piece: Uint8Array): void {
  const row = right - left
  for (let y = top; y < bottom; y++) bytes.set(piece.subarray((y - top) * row, (y - top + 1) * row), y * width + left)
}
