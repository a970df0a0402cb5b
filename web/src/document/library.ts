/** The node types that can be added: found by words, and by what they can be linked to. */

import { outputsOf, type Definition, type Definitions } from "~/document/schema/definition"
import { layOut, MATCH } from "~/document/schema/layout"
import { MARKDOWN_NOTE, NOTE } from "~/document/schema/special"
import { areCompatible } from "~/document/schema/types"
import { rarity } from "~/document/usage"
import { ANY } from "~/document/workflow"

export interface Entry {
  readonly type: string
  readonly title: string
  readonly category: string
  readonly description: string
  readonly definition: Definition
  /** All that it is found by, in small letters. */
  readonly words: string
}

const OWN: Definitions = {
  [NOTE]: { display_name: "Note", category: "utils", description: "A text on the canvas. It does nothing." },
  [MARKDOWN_NOTE]: { display_name: "Markdown note", category: "utils", description: "A formatted text on the canvas. It does nothing." },
}

const known = new WeakMap<Definitions, readonly Entry[]>()

/** Every type that can be added, by title. */
export function entriesOf(definitions: Definitions): readonly Entry[] {
  const found = known.get(definitions)
  if (found !== undefined) return found
  const entries = Object.entries({ ...OWN, ...definitions }).map(([type, definition]): Entry => {
    const title = definition.display_name || type
    const { category = "", description = "", search_aliases: aliases = [] } = definition
    return { type, title, category, description, definition, words: [title, type, ...aliases].join(" ").toLowerCase() }
  })
  entries.sort((a, b) => a.title.localeCompare(b.title))
  known.set(definitions, entries)
  return entries
}

/** The entries that have all the words: those first that begin with them, then those used most; deprecated ones last. */
export function search(entries: readonly Entry[], text: string): Entry[] {
  const asked = text.toLowerCase().split(/\s+/).filter(Boolean)
  return entries
    .map((entry) => ({ entry, rank: rankOf(entry, asked) }))
    .filter((each) => each.rank < Infinity)
    .sort((a, b) => a.rank - b.rank)
    .map((each) => each.entry)
}

function rankOf(entry: Entry, asked: readonly string[]): number {
  const title = entry.title.toLowerCase()
  const ranks = asked.map((word) => {
    if (title.startsWith(word)) return 0
    if (` ${title}`.includes(` ${word}`)) return 1
    if (entry.words.includes(word)) return 2
    if (entry.category.toLowerCase().includes(word)) return 4
    return entry.description.toLowerCase().includes(word) ? 6 : Infinity
  })
  const isExact = title === asked.join(" ") ? -1 : 0
  const isOld = entry.definition.deprecated === true ? 100 : 0
  const length = asked.length > 0 ? title.length / 10_000 : 0
  return ranks.reduce((sum, rank) => sum + rank, 0) + isExact + isOld + rarity(entry.type) / 2 + length
}

interface Slots {
  /** Sockets before the inputs of widgets. */
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly isWidget: boolean }[]
  readonly outputs: readonly string[]
}

const laid = new WeakMap<Definition, Slots>()

function slotsOf(entry: Entry): Slots {
  const found = laid.get(entry.definition)
  if (found !== undefined) return found
  const { inputs } = layOut(entry.type, entry.definition)
  const slots = {
    inputs: inputs.map(({ name, type, widget }) => ({ name, type, isWidget: widget !== undefined })),
    outputs: outputsOf(entry.definition).map(({ type }) => (type === MATCH ? ANY : type)),
  }
  laid.set(entry.definition, slots)
  return slots
}

/** How well a type suits another: 0 the same, 1 one in common, 2 any; null not at all. */
function suits(a: string, b: string): number | null {
  if (!areCompatible(a, b)) return null
  if (a === ANY || b === ANY) return 2
  return a === b ? 0 : 1
}

function best<T>(from: readonly T[], score: (each: T) => number | null): { one: T; at: number; score: number } | null {
  let found: { one: T; at: number; score: number } | null = null
  from.forEach((one, at) => {
    const given = score(one)
    if (given !== null && (found === null || given < found.score)) found = { one, at, score: given }
  })
  return found
}

/** The input of a fresh node that takes a type, and how well it does (low is well); null where none does. */
export function inputFor(entry: Entry, type: string): { readonly input: string; readonly score: number } | null {
  const found = best(slotsOf(entry).inputs, (each) => {
    const given = suits(type, each.type)
    return given === null ? null : given + (each.isWidget ? 0.5 : 0)
  })
  return found === null ? null : { input: found.one.name, score: found.score }
}

/** The output of a fresh node that gives a type. */
export function outputFor(entry: Entry, type: string): { readonly output: number; readonly score: number } | null {
  const found = best(slotsOf(entry).outputs, (each) => suits(each, type))
  return found === null ? null : { output: found.at, score: found.score }
}

export interface Category {
  readonly name: string
  readonly path: string
  readonly below: readonly Category[]
  readonly entries: readonly Entry[]
}

/** The entries as a tree of their categories, which are written as paths. */
export function categoriesOf(entries: readonly Entry[]): readonly Category[] {
  return below(entries, "")
}

function below(entries: readonly Entry[], path: string): Category[] {
  const depth = path === "" ? 0 : path.split("/").length
  const parts = new Map<string, Entry[]>()
  for (const entry of entries) {
    const name = entry.category.split("/")[depth]
    if (name !== undefined && name !== "") parts.set(name, [...(parts.get(name) ?? []), entry])
  }
  return [...parts]
    .map(([name, inside]) => {
      const here = path === "" ? name : `${path}/${name}`
      return { name, path: here, below: below(inside, here), entries: inside.filter((each) => each.category === here) }
    })
    .sort((a, b) => Number(a.name.startsWith("_")) - Number(b.name.startsWith("_")) || a.name.localeCompare(b.name))
}

/** The types of the sockets that a fresh node has, those of widgets left out. */
export function socketsOf(entry: Entry): { readonly takes: readonly string[]; readonly gives: readonly string[] } {
  const { inputs, outputs } = slotsOf(entry)
  return { takes: inputs.filter((each) => !each.isWidget).map((each) => each.type), gives: outputs }
}
