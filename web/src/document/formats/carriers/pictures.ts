/** Texts in PNG (still or animated), WebP and SVG files. */

import { unzlibSync } from "fflate"
import { keep, keepPair, latin, Reader, textsOf, utf8, type Texts } from "~/document/formats/carriers/reader"
import { readJson } from "~/document/json"

/** The chunks tEXt, iTXt (plain or compressed) and comf, before the picture or after it. */
export function pngTexts(reader: Reader): Texts {
  const texts: Texts = new Map()
  reader.skip(8)
  while (reader.left >= 12) {
    const length = reader.number(4, "a PNG chunk")
    const type = latin(reader.take(4, "a PNG chunk"))
    const data = reader.take(length, "a PNG chunk")
    if (type === "tEXt" || type === "comf") keepPair(texts, data, "\0") // UTF-8 in practice, whatever the format says
    if (type === "iTXt") keepLongText(texts, data)
    reader.skip(4) // the checksum: a broken one is no reason to lose a workflow
  }
  return texts
}

/** Keyword, NUL, whether compressed, how, language, NUL, translated keyword, NUL, text. */
function keepLongText(texts: Texts, data: Uint8Array): void {
  const end = data.indexOf(0)
  const language = data.indexOf(0, end + 3)
  const translated = data.indexOf(0, language + 1)
  if (end < 0 || language < 0 || translated < 0) return
  const body = data.subarray(translated + 1)
  try {
    keep(texts, latin(data.subarray(0, end)), utf8(data[end + 1] === 1 ? unzlibSync(body) : body))
  } catch {
    // a broken text does not hide the others
  }
}

/** The texts `key:value` among the tags of the EXIF chunk. */
export function webpTexts(reader: Reader): Texts {
  reader.skip(12)
  while (reader.left >= 8) {
    const type = latin(reader.take(4, "a WebP chunk"))
    const length = reader.number(4, "a WebP chunk", "little")
    if (type === "EXIF") return exifTexts(reader.take(length, "the EXIF chunk"))
    reader.skip(length + (length % 2))
  }
  return new Map()
}

const ASCII = 2
const MOST_ENTRIES = 1000

/** The texts of the first directory. */
function exifTexts(data: Uint8Array): Texts {
  const tiff = latin(data.subarray(0, 6)) === "Exif\0\0" ? data.subarray(6) : data
  const texts: Texts = new Map()
  const tags = new Reader(tiff)
  const isLittle = tiff[0] === 0x49
  const directory = tags.uint(4, 4, isLittle)
  const count = Math.min(tags.uint(directory, 2, isLittle), MOST_ENTRIES)
  for (let at = directory + 2; at < directory + 2 + count * 12; at += 12) {
    if (tags.uint(at + 2, 2, isLittle) !== ASCII) continue
    const length = tags.uint(at + 4, 4, isLittle)
    const start = length <= 4 ? at + 8 : tags.uint(at + 8, 4, isLittle)
    const value = tiff.subarray(start, start + length)
    const end = value.indexOf(0)
    keepPair(texts, end < 0 ? value : value.subarray(0, end), ":")
  }
  return texts
}

/** The object in the element `metadata`. The file is searched, not parsed: entities of strangers stay unread. */
export function svgTexts(reader: Reader): Texts {
  const found = /<metadata[^>]*>\s*(?:<!\[CDATA\[)?([\s\S]*?)(?:\]\]>)?\s*<\/metadata>/.exec(utf8(reader.bytes))
  try {
    return textsOf(readJson(found?.[1] ?? "{}"))
  } catch {
    return new Map() // metadata of other programs
  }
}
