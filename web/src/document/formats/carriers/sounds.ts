/** Texts in FLAC, Ogg (Opus, Vorbis) and MP3 files. */

import { keep, keepPair, latin, Reader, utf8, type Texts } from "~/document/formats/carriers/reader"
import { WorkflowError } from "~/document/prompt/trouble"

const COMMENTS = 4 // of the blocks of FLAC

/** The Vorbis comments in the block that holds them. */
export function flacTexts(reader: Reader): Texts {
  reader.skip(4)
  for (let isLast = false; !isLast && reader.left >= 4; ) {
    const head = reader.number(1, "a FLAC block")
    const length = reader.number(3, "a FLAC block")
    isLast = head >= 0x80
    if (head % 0x80 === COMMENTS) return vorbisTexts(reader.take(length, "the FLAC comments"))
    reader.skip(length)
  }
  return new Map()
}

/** The Vorbis comments in the second packet of the first stream. */
export function oggTexts(reader: Reader): Texts {
  const packet = secondPacket(reader)
  for (const start of ["OpusTags", "\x03vorbis"]) {
    if (latin(packet.subarray(0, start.length)) === start) return vorbisTexts(packet.subarray(start.length))
  }
  return new Map()
}

function secondPacket(reader: Reader): Uint8Array {
  const pieces: number[] = []
  let ended = 0
  let first: string | undefined
  while (reader.left >= 27 && ended < 2) {
    if (latin(reader.take(4, "an Ogg page")) !== "OggS") throw new WorkflowError("An Ogg page does not begin where the last one ends.")
    reader.skip(10)
    const stream = latin(reader.take(4, "an Ogg page"))
    first ??= stream
    reader.skip(8)
    for (const size of [...reader.take(reader.number(1, "an Ogg page"), "an Ogg page")]) {
      const piece = reader.take(size, "an Ogg packet")
      if (stream !== first) continue
      if (ended === 1) pieces.push(...piece)
      if (size < 255) ended += 1 // a packet goes on while its pieces are full
    }
  }
  return Uint8Array.from(pieces)
}

/** Comments `key=value`, behind the name of the program that wrote them. */
function vorbisTexts(data: Uint8Array): Texts {
  const reader = new Reader(data)
  const texts: Texts = new Map()
  const next = (): Uint8Array => reader.take(reader.number(4, "a comment", "little"), "a comment")
  next()
  const count = reader.number(4, "the comments", "little")
  for (let each = 0; each < count; each++) keepPair(texts, next(), "=")
  return texts
}

/** The TXXX frames of an ID3v2 tag, by their descriptions. */
export function mp3Texts(reader: Reader): Texts {
  reader.skip(3)
  const [version = 4, , flags = 0, ...size] = reader.take(7, "the ID3 tag")
  let tag = reader.take(synchsafe(size), "the ID3 tag")
  if ((flags & 0x80) !== 0 && version < 4) tag = withoutMarks(tag)
  if ((flags & 0x40) !== 0) {
    const head = tag.subarray(0, 4)
    tag = tag.subarray(version === 4 ? synchsafe(head) : new Reader(head).number(4, "the ID3 tag") + 4)
  }
  const texts: Texts = new Map()
  const frames = new Reader(tag)
  while (frames.left >= 10 && tag[frames.at] !== 0) { // zeros are padding
    const name = latin(frames.take(4, "an ID3 frame"))
    const long = frames.take(4, "an ID3 frame")
    const [, format = 0] = frames.take(2, "an ID3 frame")
    const content = frames.take(version === 4 ? synchsafe(long) : new Reader(long).number(4, "an ID3 frame"), "an ID3 frame")
    const isMarked = version === 4 && (format & 2) !== 0
    const withoutLength = version === 4 && (format & 1) !== 0 ? content.subarray(4) : content
    if (name === "TXXX") keepFrame(texts, isMarked ? withoutMarks(withoutLength) : withoutLength)
  }
  return texts
}

/** A zero was put behind each byte of ones, so that no player takes the tag for sound. */
function withoutMarks(data: Uint8Array): Uint8Array {
  return data.filter((byte, at) => byte !== 0 || data[at - 1] !== 0xff)
}

/** The description and the text of a frame, which is in one of four encodings. */
function keepFrame(texts: Texts, content: Uint8Array): void {
  const encoding = ["latin1", "utf-16", "utf-16be", "utf-8"][content[0] ?? 0]
  const body = content.subarray(1)
  const text = encoding === "latin1" || encoding === undefined ? utf8(body) : new TextDecoder(encoding).decode(body)
  const [key = "", value = ""] = text.split("\0")
  if (key !== "") keep(texts, key, value.replace(/^\ufeff/, ""))
}

/** A number in seven bits of each byte. */
function synchsafe(bytes: Iterable<number>): number {
  let number = 0
  for (const byte of bytes) number = number * 128 + (byte & 0x7f)
  return number
}
