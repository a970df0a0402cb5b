/** Texts put into a PNG file. */

import { gzipSync, strToU8 } from "fflate"

const HEADER = 8 + 25 // the signature, and the first chunk, which says the size

/** The picture with a text beside it, under a keyword of plain letters. */
export function withText(png: Uint8Array, key: string, text: string): Uint8Array<ArrayBuffer> {
  const chunk = chunkOf("tEXt", strToU8(`${key}\0${ascii(text)}`))
  const whole = new Uint8Array(png.length + chunk.length)
  whole.set(png.subarray(0, HEADER))
  whole.set(chunk, HEADER)
  whole.set(png.subarray(HEADER), HEADER + chunk.length)
  return whole
}

/** JSON that any reader reads: what is not ASCII is escaped. */
function ascii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

function chunkOf(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(data.length + 12)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, data.length)
  chunk.set(strToU8(type), 4)
  chunk.set(data, 8)
  view.setUint32(data.length + 8, crc32(chunk.subarray(4, data.length + 8)))
  return chunk
}

/** The checksum of PNG is that of gzip, which ends with it and a length. */
function crc32(data: Uint8Array): number {
  const packed = gzipSync(data, { level: 0 })
  return new DataView(packed.buffer, packed.byteOffset).getUint32(packed.length - 8, true)
}
