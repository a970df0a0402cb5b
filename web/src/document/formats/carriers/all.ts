/** Whatever carries texts beside its pictures, sound or numbers. Kinds are told by their first bytes, as names lie. */

import { mp4Texts, webmTexts } from "~/document/formats/carriers/films"
import { glbTexts, safetensorsTexts } from "~/document/formats/carriers/headers"
import { pngTexts, svgTexts, webpTexts } from "~/document/formats/carriers/pictures"
import { latin, Reader, type Texts } from "~/document/formats/carriers/reader"
import { flacTexts, mp3Texts, oggTexts } from "~/document/formats/carriers/sounds"

interface Kind {
  readonly name: string
  /** Whether a file is of the kind, by its first bytes as Latin-1. */
  is(head: string): boolean
  readonly texts: (reader: Reader) => Texts
}

const KINDS: readonly Kind[] = [
  { name: "PNG", is: (head) => head.startsWith("\x89PNG\r\n\x1a\n"), texts: pngTexts },
  { name: "WebP", is: (head) => head.startsWith("RIFF") && head.slice(8, 12) === "WEBP", texts: webpTexts },
  { name: "MP4", is: (head) => /^.{4}(ftyp(?!avi[fs])|moov|udta|mdat|wide)/s.test(head), texts: mp4Texts },
  { name: "WebM", is: (head) => head.startsWith("\x1a\x45\xdf\xa3"), texts: webmTexts },
  { name: "FLAC", is: (head) => head.startsWith("fLaC"), texts: flacTexts },
  { name: "Ogg", is: (head) => head.startsWith("OggS"), texts: oggTexts },
  { name: "MP3", is: (head) => head.startsWith("ID3"), texts: mp3Texts },
  { name: "GLB", is: (head) => head.startsWith("glTF"), texts: glbTexts },
  { name: "SVG", is: (head) => /^(\xef\xbb\xbf)?\s*</.test(head), texts: svgTexts },
  { name: "safetensors", is: isSafetensors, texts: safetensorsTexts },
]

export function isSafetensors(head: string): boolean {
  return /^.{4}\0{4}\{/s.test(head)
}

export interface Carried {
  readonly kind: string
  readonly texts: Texts
}

/** What a file carries; null for bytes of no such kind. Throws WorkflowError for a file that is cut off. */
export function textsIn(bytes: Uint8Array): Carried | null {
  const head = latin(bytes.subarray(0, 64))
  const kind = KINDS.find((each) => each.is(head))
  return kind === undefined ? null : { kind: kind.name, texts: kind.texts(new Reader(bytes)) }
}
