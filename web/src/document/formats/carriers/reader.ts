/** What every carrier gives: texts by their names; and how to take bytes without trusting their lengths. */

import { isObject, writeJson, type Json } from "~/document/json"
import { WorkflowError } from "~/document/prompt/trouble"

/** By key, in small letters; the first of a key counts. */
export type Texts = Map<string, string>

/** Bytes piece by piece. Throws WorkflowError where a piece would end behind the file. */
export class Reader {
  private readonly view: DataView
  at = 0

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  take(count: number, what: string): Uint8Array {
    if (count > this.left) throw new WorkflowError(`The file ends inside ${what}.`)
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  /** A whole number of one to eight bytes; beyond 2^53 it is not exact, and no file is as large. */
  number(count: number, what: string, order: "big" | "little" = "big"): number {
    const bytes = [...this.take(count, what)]
    return (order === "big" ? bytes : bytes.reverse()).reduce((sum, byte) => sum * 256 + byte, 0)
  }

  /** Step over bytes; behind the end nothing is left. */
  skip(count: number): void {
    this.at = Math.min(this.at + count, this.bytes.length)
  }

  /** A whole number of `size` bytes at a place of its own. */
  uint(at: number, size: 2 | 4, isLittle: boolean): number {
    if (at + size > this.bytes.length) throw new WorkflowError("The file ends inside its tags.")
    return size === 2 ? this.view.getUint16(at, isLittle) : this.view.getUint32(at, isLittle)
  }
}

export function latin(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

export function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function keep(texts: Texts, key: string, text: string): void {
  const name = key.trim().toLowerCase()
  if (!texts.has(name)) texts.set(name, text)
}

/** Keep what is written as `key`, a mark, and the text. */
export function keepPair(texts: Texts, pair: Uint8Array, mark: string): void {
  const at = pair.indexOf(mark.charCodeAt(0))
  if (at > 0) keep(texts, latin(pair.subarray(0, at)), utf8(pair.subarray(at + 1)))
}

/** The texts of an object whose values are texts, or objects to be written as such. */
export function textsOf(value: Json | undefined): Texts {
  const texts: Texts = new Map()
  if (isObject(value)) for (const [key, each] of Object.entries(value)) keep(texts, key, typeof each === "string" ? each : writeJson(each))
  return texts
}
