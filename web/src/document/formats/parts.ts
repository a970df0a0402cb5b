/** Small parts of workflow files, in the forms in which they come. */

import { isList, textOf, type Json, type JsonObject } from "~/document/json"
import { asObject } from "~/document/schema/definition"
import type { Point, Size } from "~/document/workflow"

/** Two numbers, as a list or as an object with the keys 0 and 1. */
function pairOf(raw: unknown): readonly [number, number] | undefined {
  const [first, second] = isList(raw) ? raw : [asObject(raw)["0"], asObject(raw)["1"]]
  const [a, b] = [Number(first ?? NaN), Number(second ?? NaN)]
  return Number.isFinite(a) && Number.isFinite(b) ? [a, b] : undefined
}

export function pointOf(raw: unknown): Point {
  const [x, y] = pairOf(raw) ?? [0, 0]
  return { x, y }
}

export function sizeOf(raw: unknown): Size {
  const [width, height] = pairOf(raw) ?? [225, 60]
  return { width, height }
}

export function withoutKeys(raw: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !keys.includes(key)))
}

/** An id as files have it: a number where it is one. */
export function idOf(id: string): Json {
  const number = Number(id)
  return /^-?\d+$/.test(id) && Number.isSafeInteger(number) ? number : id
}

/** A bounding box, `[x, y, width, height]`. */
export function boxOf(raw: unknown): Point & Size {
  const [x = 0, y = 0, width = 140, height = 80] = (isList(raw) ? raw : []).map(Number)
  return { x, y, width, height }
}

export function optionalText(value: unknown): string | undefined {
  const text = textOf(value)
  return text === "" ? undefined : text
}
