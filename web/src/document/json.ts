/** JSON as workflow files have it: whole numbers of any size, and the bare tokens that Python writes. */

import { isInteger, isSafeNumber, parse, stringify } from "lossless-json"

export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Whole numbers that doubles cannot hold; a JSON text without digits in such a row holds none. */
const LONG = /[0-9]{16}/
/** A text, or a token that is none of JSON's. Texts come first, so that tokens inside them stay. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs

/** Read a JSON text; whole numbers beyond 2^53 become bigints, NaN and Infinity null. Throws SyntaxError. */
export function readJson(text: string): Json {
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text
  try {
    return parsed(plain)
  } catch (error) {
    if (!/NaN|Infinity/.test(plain)) throw error
    return parsed(plain.replace(TOKENS, (token) => (token.startsWith('"') ? token : "null")))
  }
}

function parsed(text: string): Json {
  return (LONG.test(text) ? parse(text, null, number) : JSON.parse(text)) as Json
}

function number(text: string): number | bigint {
  return isInteger(text) && !isSafeNumber(text) ? BigInt(text) : Number(text)
}

/** Write a JSON text. `indent`: how many spaces, none unless said. */
export function writeJson(value: Json | undefined, indent?: number): string {
  return stringify(value, null, indent) ?? "null"
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

/** The objects of a list; of anything else none. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** An id or a name as text: what is neither text nor number is empty. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "bigint" ? String(value) : ""
}

/** Whether two values are the same, whatever the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, at) => sameJson(each, b[at]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameJson(a[key], b[key]))
}
