/** What hosts show of their insides in files of older editors: entries [id of a node inside, widget, ...]. */

import { isList, textOf, type Json, type JsonObject } from "~/document/json"

export type Entry = readonly Json[]

export function proxiesOf(properties: JsonObject): Entry[] {
  const raw = properties["proxyWidgets"]
  return isList(raw) ? raw.filter((each): each is Entry => isList(each) && each.length >= 2) : []
}

/**
 * The ids that lead to a widget, and its name; the id -1 means the host itself. Deeper ids are written as prefixes of the
 * name, or at the end.
 */
export function addressOf(entry: Entry): { ids: string[]; name: string } {
  const ids = [textOf(entry[0])]
  let name = textOf(entry[1])
  for (let match = /^(\d+): (.*)$/s.exec(name); match !== null; match = /^(\d+): (.*)$/s.exec(name)) {
    ids.push(match[1] ?? "")
    name = match[2] ?? ""
  }
  return { ids: [...ids, ...entry.slice(2).filter((each) => each !== null).map(textOf)], name }
}
