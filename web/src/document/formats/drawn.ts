/** What a file says of drawing alone: reroutes, groups, and edges with one end. */

import { objects, textOf, type JsonObject } from "~/document/json"
import { boxOf, optionalText, pointOf, withoutKeys } from "~/document/formats/parts"
import { leadsTo } from "~/document/links"
import { asObject } from "~/document/schema/definition"
import type { Graph, Group, Link, Reroute } from "~/document/workflow"

export interface Drawn {
  /** The reroute next to the target of each link, by the link's id. */
  readonly via: ReadonlyMap<string, string>
  /** What is drawn with these links; a reroute through which nothing passes is dropped. */
  drawnOn(links: ReadonlyMap<string, Link>): Pick<Graph, "groups" | "reroutes" | "floating">
}

export function readDrawn(raw: JsonObject): Drawn {
  const extra = asObject(raw["extra"])
  const reroutes = new Map<string, Reroute>()
  for (const each of objects(raw["reroutes"] ?? extra["reroutes"]).map(readReroute)) reroutes.set(each.id, each)
  for (const { parent, ...each } of [...reroutes.values()]) {
    if (leadsTo(reroutes, parent, each.id)) reroutes.set(each.id, each) // no way leads out of a circle
  }
  const extensions = [...objects(extra["linkExtensions"]), ...objects(raw["links"])]
  const via = new Map(
    extensions.flatMap((each) => {
      const parent = textOf(each["parentId"])
      return reroutes.has(parent) ? [[textOf(each["id"]), parent] as const] : []
    }),
  )
  const floating = objects(raw["floatingLinks"])
  return {
    via,
    drawnOn(links) {
      const ends = [...[...links.values()].map((link) => link.via), ...floating.map((each) => textOf(each["parentId"]))]
      const passed = new Set<string>()
      for (const end of ends) {
        for (let id = end; id !== undefined && reroutes.has(id) && !passed.has(id); id = reroutes.get(id)?.parent) passed.add(id)
      }
      return {
        groups: readGroups(raw),
        reroutes: new Map([...reroutes].filter(([id]) => passed.has(id))),
        floating,
      }
    },
  }
}

function readReroute(raw: JsonObject): Reroute {
  const parent = optionalText(raw["parentId"])
  const rest = withoutKeys(raw, ["id", "pos", "parentId", "linkIds"])
  return {
    id: textOf(raw["id"]),
    at: pointOf(raw["pos"]),
    ...(parent === undefined ? {} : { parent }),
    ...(Object.keys(rest).length > 0 ? { rest } : {}),
  }
}

/** The groups of a graph; those without an id, or with that of another, get one. */
function readGroups(raw: JsonObject): Map<string, Group> {
  const found = new Map<string, Group>()
  const all = objects(raw["groups"])
  let next = Math.max(0, ...all.map((each) => Number(textOf(each["id"])) || 0)) + 1
  for (const each of all) {
    const told = textOf(each["id"])
    const id = told === "" || found.has(told) ? String(next++) : told
    const { x, y, width, height } = boxOf(each["bounding"])
    const color = optionalText(each["color"])
    const rest = withoutKeys(each, ["id", "title", "bounding", "color"])
    found.set(id, {
      id,
      title: textOf(each["title"]),
      at: { x, y },
      size: { width, height },
      ...(color === undefined ? {} : { color }),
      ...(Object.keys(rest).length > 0 ? { rest } : {}),
    })
  }
  return found
}
