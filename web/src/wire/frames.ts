/** Binary messages of the websocket, read. */

import type { PreviewPlace } from "~/wire/types"

/** A picture of where a node stands; without a place it is of whatever runs. */
export interface Frame {
  readonly picture: Blob
  readonly place?: PreviewPlace | undefined
}

const PREVIEW = 1
const PREVIEW_WITH_PLACE = 4

/** Read a message; null for one of a kind that is not known, or too short. */
export function readFrame(bytes: ArrayBuffer): Frame | null {
  if (bytes.byteLength < 8) return null
  const view = new DataView(bytes)
  const second = view.getUint32(4)
  switch (view.getUint32(0)) {
    case PREVIEW:
      return { picture: new Blob([bytes.slice(8)], { type: second === 2 ? "image/png" : "image/jpeg" }) }
    case PREVIEW_WITH_PLACE: {
      if (8 + second > bytes.byteLength) return null
      const place = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + second))) as PreviewPlace
      return { picture: new Blob([bytes.slice(8 + second)], { type: place.image_type }), place }
    }
    default:
      return null
  }
}
