/** What becomes of seeds and choices once a workflow was queued. */

import { batch, type Change } from "~/document/change"
import { linkInto } from "~/document/links"
import { COMBO, type Definitions } from "~/document/schema/definition"
import { choicesOf, filterKey, type Widget } from "~/document/schema/layout"
import { valueOf, widgetsOf } from "~/document/schema/node_layout"
import type { Json } from "~/document/json"
import type { Graph, Node, Workflow } from "~/document/workflow"

const WIDEST = 2 ** 50

/** The change that each control asks for; `random` gives numbers from 0 up to 1. Linked inputs stay as they are. */
export function afterRun(workflow: Workflow, definitions: Definitions, random: () => number = Math.random): Change {
  const changes = controlsIn(workflow, definitions).flatMap(({ graph, node, control, ruled }): Change[] => {
    const mode = valueOf(node, control)
    const filter = node.values[filterKey(ruled.key)]
    const to = next(ruled, valueOf(node, ruled), mode === true ? "randomize" : mode, filter, random)
    return to === undefined ? [] : [{ type: "set-widget", graph: graph.id, id: node.id, key: ruled.key, to }]
  })
  return batch(...changes)
}

/** Have the numbers that stay as they are drawn anew after each run. */
export function drawSeeds(workflow: Workflow, definitions: Definitions): Change {
  const kept = controlsIn(workflow, definitions).filter(({ node, control, ruled }) => ruled.type !== COMBO && valueOf(node, control) === "fixed")
  return batch(...kept.map(({ graph, node, control }): Change => ({ type: "set-widget", graph: graph.id, id: node.id, key: control.key, to: "randomize" })))
}

interface Control {
  readonly graph: Graph
  readonly node: Node
  readonly control: Widget
  /** The widget whose value it changes. */
  readonly ruled: Widget
}

function controlsIn(workflow: Workflow, definitions: Definitions): Control[] {
  return [...workflow.graphs.values()].flatMap((graph) =>
    [...graph.nodes.values()].flatMap((node) => {
      const widgets = widgetsOf({ workflow, graph, definitions }, node)
      return widgets.flatMap((control) => {
        const ruled = widgets.find((each) => each.key === control.controls)
        if (ruled === undefined || control.key !== `${ruled.key}/control` || isLinked(graph, node, ruled)) return []
        return [{ graph, node, control, ruled }]
      })
    }),
  )
}

function isLinked(graph: Graph, node: Node, widget: Widget): boolean {
  const input = node.inputs.find((each) => each.widget === widget.name)
  return input !== undefined && linkInto(graph, node.id, input.name) !== undefined
}

function next(widget: Widget, value: Json | undefined, mode: Json | undefined, filter: Json | undefined, random: () => number): Json | undefined {
  return widget.type === COMBO ? nextChoice(widget, value, mode, filter, random) : nextNumber(widget, value, mode, random)
}

/** A number drawn by chance among those that a widget takes. */
export function drawn(widget: Widget, random: () => number = Math.random): number {
  const { least, most, by } = spanOf(widget)
  return Math.min(least + Math.floor(random() * (Math.floor((most - least) / by) + 1)) * by, most)
}

function spanOf({ options: { min, max, step } }: Widget): { readonly least: number; readonly most: number; readonly by: number } {
  return {
    least: Math.max(typeof min === "number" ? min : 0, -WIDEST),
    most: Math.min(typeof max === "number" ? max : WIDEST, WIDEST),
    by: typeof step === "number" && step > 0 ? step : 1,
  }
}

function nextNumber(widget: Widget, value: Json | undefined, mode: Json | undefined, random: () => number): number | undefined {
  const { least, most, by } = spanOf(widget)
  const bounded = (number: number): number => Math.min(Math.max(number, least), most)
  switch (mode) {
    case "increment":
      return bounded(Number(value ?? 0) + by)
    case "decrement":
      return bounded(Number(value ?? 0) - by)
    case "randomize":
      return drawn(widget, random)
    default:
      return undefined
  }
}

function nextChoice(widget: Widget, value: Json | undefined, mode: Json | undefined, filter: Json | undefined, random: () => number): Json | undefined {
  const choices = choicesOf(widget).filter((each) => passes(each, filter))
  if (choices.length === 0) return undefined
  const at = choices.findIndex((each) => each === value)
  switch (mode) {
    case "increment":
      return choices[Math.min(at + 1, choices.length - 1)]
    case "decrement":
      return choices[Math.max(at - 1, 0)]
    case "increment-wrap":
      return choices[(at + 1) % choices.length]
    case "randomize":
      return choices[Math.floor(random() * choices.length)]
    default:
      return undefined
  }
}

/** A part of the text, or `/a pattern/`. */
function passes(choice: Json, filter: Json | undefined): boolean {
  if (typeof filter !== "string" || filter === "" || typeof choice !== "string") return true
  if (filter.length < 2 || !filter.startsWith("/") || !filter.endsWith("/")) return choice.toLowerCase().includes(filter.toLowerCase())
  try {
    return new RegExp(filter.slice(1, -1), "i").test(choice)
  } catch {
    return true
  }
}
