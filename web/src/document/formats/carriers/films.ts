/** Texts in MP4 (also MOV, M4V) and WebM files; the pictures are stepped over. */

import { keep, latin, Reader, utf8, type Texts } from "~/document/formats/carriers/reader"
import { WorkflowError } from "~/document/prompt/trouble"

/** A part of a file: its kind, and where its content begins and ends. */
interface Part<Kind> {
  readonly kind: Kind
  readonly start: number
  readonly end: number
}

/** The items of `meta`, which stands in `udta` or `moov`, or in `udta` at the top level. */
export function mp4Texts(reader: Reader): Texts {
  const texts: Texts = new Map()
  for (const meta of within(0, reader.bytes.length, (start, end) => boxes(reader, start, end), ["moov", "udta"], "meta")) {
    const parts = [...boxes(reader, firstBox(reader, meta.start), meta.end)]
    const names = parts.filter((each) => each.kind === "keys").flatMap((each) => keyNames(reader.bytes.subarray(each.start, each.end)))
    for (const list of parts) {
      if (list.kind !== "ilst") continue
      for (const item of boxes(reader, list.start, list.end)) {
        const index = Array.from(item.kind).reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 0)
        for (const { kind, start, end } of boxes(reader, item.start, item.end)) {
          const name = names[index - 1]
          if (kind === "data" && name !== undefined) keep(texts, name, utf8(reader.bytes.subarray(start + 8, end))) // behind type and locale
        }
      }
    }
  }
  return texts
}

/** Every part of a kind, in parts of some other kinds. */
function* within<Kind>(
  start: number,
  end: number,
  partsOf: (start: number, end: number) => Iterable<Part<Kind>>,
  outer: readonly Kind[],
  wanted: Kind,
): Generator<Part<Kind>> {
  for (const part of partsOf(start, end)) {
    if (part.kind === wanted) yield part
    else if (outer.includes(part.kind)) yield* within(part.start, part.end, partsOf, outer, wanted)
  }
}

function* boxes(reader: Reader, start: number, end: number): Generator<Part<string>> {
  for (let at = start; at + 8 <= end; ) {
    reader.at = at
    const size = reader.number(4, "an MP4 box")
    const kind = latin(reader.take(4, "an MP4 box"))
    const last = size === 0 ? end : at + (size === 1 ? reader.number(8, "an MP4 box") : size)
    if (last < reader.at || last > end) throw new WorkflowError(`The MP4 box “${kind}” ends outside of the one around it.`)
    yield { kind, start: reader.at, end: last }
    at = last
  }
}

/** MP4 puts a version before the boxes in `meta`; QuickTime does not. */
function firstBox(reader: Reader, start: number): number {
  return latin(reader.bytes.subarray(start + 4, start + 8)) === "hdlr" ? start : start + 4
}

/** The names: behind a version and a count, each with its size and a namespace of four letters. */
function keyNames(data: Uint8Array): string[] {
  const reader = new Reader(data)
  const names: string[] = []
  for (let at = 8; at + 8 <= data.length; ) {
    reader.at = at
    const size = reader.number(4, "the names of the MP4 metadata")
    names.push(utf8(data.subarray(at + 8, at + size)))
    at += Math.max(size, 8)
  }
  return names
}

const SEGMENT = 0x18538067
const CLUSTER = 0x1f43b675
const TAGS = 0x1254c367
const TAG = 0x7373
const SIMPLE_TAG = 0x67c8
const NAME = 0x45a3
const STRING = 0x4487

/** The simple tags, each a name and a text. */
export function webmTexts(reader: Reader): Texts {
  const texts: Texts = new Map()
  for (const tag of within(0, reader.bytes.length, (start, end) => elements(reader, start, end), [SEGMENT, TAGS, TAG], SIMPLE_TAG)) {
    const fields = new Map<number, string>()
    for (const { kind, start, end } of elements(reader, tag.start, tag.end)) {
      fields.set(kind, utf8(reader.bytes.subarray(start, end)).replace(/\0+$/, ""))
    }
    const [name, text] = [fields.get(NAME), fields.get(STRING)]
    if (name !== undefined && text !== undefined) keep(texts, name, text)
  }
  return texts
}

function* elements(reader: Reader, start: number, end: number): Generator<Part<number>> {
  for (let at = start; at + 2 <= end; ) {
    reader.at = at
    const kind = variableNumber(reader, true).value
    const { value, isUnknown } = variableNumber(reader, false)
    const first = reader.at
    // A live recording: a segment reaches to the end, and the parts of a cluster are stepped over singly.
    const last = first + (isUnknown ? (kind === CLUSTER ? 0 : end - first) : value)
    if (last > end) throw new WorkflowError("An element of the WebM file ends outside of the one around it.")
    yield { kind, start: first, end: last }
    at = last
  }
}

/** A number whose first byte tells how many bytes follow; all ones mean unknown. */
function variableNumber(reader: Reader, keepsMarker: boolean): { value: number; isUnknown: boolean } {
  const first = reader.number(1, "a WebM element")
  if (first === 0) throw new WorkflowError("An element of the WebM file has a number of more than eight bytes.")
  const more = Math.clz32(first) - 24
  const marker = 0x80 >> more
  const rest = more === 0 ? 0 : reader.number(more, "a WebM element")
  const value = (first - marker) * 256 ** more + rest
  return { value: keepsMarker ? first * 256 ** more + rest : value, isUnknown: value >= marker * 256 ** more - 1 }
}
