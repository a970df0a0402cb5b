/** Texts that pictures carry: PNG (also animated) and WebP. Files are told by their first bytes, as names lie. */

import { unzlibSync } from "fflate"

export interface Carried {
  readonly kind: "PNG" | "WebP"
  /** By key, in small letters. */
  readonly texts: ReadonlyMap<string, string>
}

/** What a picture carries; null for bytes that are none of these pictures. */
export function textsIn(bytes: Uint8Array): Carried | null {
  const head = latin(bytes.subarray(0, 12))
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return { kind: "PNG", texts: pngTexts(bytes) }
  if (head.startsWith("RIFF") && head.slice(8) === "WEBP") return { kind: "WebP", texts: webpTexts(bytes) }
  return null
}

function latin(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

interface Chunk {
  readonly type: string
  readonly data: Uint8Array
}

function* pngChunks(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const end = at + 8 + length
    if (end > bytes.length) return
    yield { type: latin(bytes.subarray(at + 4, at + 8)), data: bytes.subarray(at + 8, end) }
    at = end + 4
  }
}

function pngTexts(bytes: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>()
  for (const { type, data } of pngChunks(bytes)) {
    const found = type === "tEXt" || type === "comf" ? plainText(data) : type === "iTXt" ? longText(data) : undefined
    if (found !== undefined && !texts.has(found.key)) texts.set(found.key, found.text)
  }
  return texts
}

interface Found {
  readonly key: string
  readonly text: string
}

/** Keyword, NUL, text: UTF-8 in practice, whatever the format says. */
function plainText(data: Uint8Array): Found | undefined {
  const end = data.indexOf(0)
  return end < 0 ? undefined : { key: latin(data.subarray(0, end)).toLowerCase(), text: utf8(data.subarray(end + 1)) }
}

/** Keyword, NUL, whether compressed, how, language, NUL, translated keyword, NUL, text. */
function longText(data: Uint8Array): Found | undefined {
  const end = data.indexOf(0)
  const language = data.indexOf(0, end + 3)
  const translated = data.indexOf(0, language + 1)
  if (end < 0 || language < 0 || translated < 0) return undefined
  const body = data.subarray(translated + 1)
  try {
    const text = utf8(data[end + 1] === 1 ? unzlibSync(body) : body)
    return { key: latin(data.subarray(0, end)).toLowerCase(), text }
  } catch {
    return undefined // a broken text does not hide the others
  }
}

function webpTexts(bytes: Uint8Array): Map<string, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true)
    if (latin(bytes.subarray(at, at + 4)) === "EXIF") return exifTexts(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length + (length % 2)
  }
  return new Map()
}

const ASCII = 2
const MOST_ENTRIES = 1000

/** The texts of the first directory: each is `key:text`. */
function exifTexts(data: Uint8Array): Map<string, string> {
  const tiff = latin(data.subarray(0, 6)) === "Exif\0\0" ? data.subarray(6) : data
  const texts = new Map<string, string>()
  if (tiff.length < 8) return texts
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  const isLittle = tiff[0] === 0x49
  const directory = view.getUint32(4, isLittle)
  if (directory + 2 > tiff.length) return texts
  const count = Math.min(view.getUint16(directory, isLittle), MOST_ENTRIES)
  for (let at = directory + 2; at < directory + 2 + count * 12 && at + 12 <= tiff.length; at += 12) {
    if (view.getUint16(at + 2, isLittle) !== ASCII) continue
    const length = view.getUint32(at + 4, isLittle)
    const start = length <= 4 ? at + 8 : view.getUint32(at + 8, isLittle)
    const text = utf8(tiff.subarray(start, start + length)).replace(/\0+$/, "")
    const colon = text.indexOf(":")
    if (colon > 0) texts.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1))
  }
  return texts
}
