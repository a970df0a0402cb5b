/** The values that widgets hold in each place: their own, those of the hosts around them, and those of primitives. */

import { isList, isObject, objects, textOf, type Json } from "~/document/json"
import { promotedKey, sourceKey, type Fitted, type FittedWorkflow, type Target } from "~/document/prompt/fit"
import { addressOf, proxiesOf, type Entry } from "~/document/prompt/proxies"
import { executionIdOf, type Scope } from "~/document/prompt/scopes"
import type { Widget } from "~/document/schema/layout"
import { PRIMITIVE } from "~/document/schema/special"
import { INPUTS } from "~/document/workflow"

type Value = Json | undefined

/** What widgets hold, place by place. Filled by `settle`; read by the conversion. */
export class Settings {
  private readonly ofNodes = new Map<string, Value>()
  private readonly ofHosts = new Map<string, Value>()

  constructor(private readonly workflow: FittedWorkflow) {}

  /** Each widget of a node with the value it holds in this place. */
  *ofNode(scope: Scope, node: Fitted): Generator<{ widget: Widget; value: Value }> {
    const id = executionIdOf(scope, node)
    for (const { widget, value } of node.widgets) {
      const key = `${id} ${widget.name}`
      yield { widget, value: widget.isSent && this.ofNodes.has(key) ? this.ofNodes.get(key) : value }
    }
  }

  /** What the host of a scope holds for an input: its own value, else that of the first widget inside. */
  ofHost(scope: Scope, index: number): Value {
    let [place, at] = [scope, index]
    while (!this.ofHosts.has(hostKey(place, at))) {
      const target = this.firstTarget(place, at)
      if (target === undefined) return undefined
      if (target.node.kind !== "host") {
        const name = target.node.inputs[target.index]?.widget
        for (const { widget, value } of this.ofNode(place, target.node)) if (widget.name === name) return value
        return undefined
      }
      const inner = place.inner.get(target.node.saved.id)
      if (inner === undefined) return undefined
      ;[place, at] = [inner, target.index]
    }
    return this.ofHosts.get(hostKey(place, at))
  }

  private firstTarget(scope: Scope, index: number): Target | undefined {
    const ends = scope.graph.targets.get(sourceKey({ node: INPUTS, slot: index }))?.ends ?? []
    return ends.find(({ node, index }) =>
      node.kind === "host" ? this.isPromoted(node.saved.type, index) : Boolean(node.inputs[index]?.widget),
    )
  }

  isPromoted(subgraph: string, index: number): boolean {
    return this.workflow.promoted.has(promotedKey(subgraph, index))
  }

  setNode(scope: Scope, node: Fitted, name: string, value: Value): void {
    this.ofNodes.set(`${executionIdOf(scope, node)} ${name}`, value)
  }

  getNode(scope: Scope, node: Fitted, name: string, otherwise: Value): Value {
    const key = `${executionIdOf(scope, node)} ${name}`
    return this.ofNodes.has(key) ? this.ofNodes.get(key) : otherwise
  }

  setHost(scope: Scope, index: number, value: Value): void {
    this.ofHosts.set(hostKey(scope, index), value)
  }
}

function hostKey(scope: Scope, index: number): string {
  return `${scope.path.join(":")} ${index}`
}

/** Collect what the hosts hold. Inner hosts come first, so that the outermost has the last word. */
export function settle(workflow: FittedWorkflow, scopes: readonly Scope[]): Settings {
  const settings = new Settings(workflow)
  for (const scope of [...scopes].reverse()) {
    if (scope.host === undefined) continue
    for (const { entry, value } of hostValues(settings, scope.host)) put(settings, scope, entry, value)
  }
  return settings
}

/**
 * Write the value of each primitive into every widget it is linked to, muted or not.
 *
 * `replaced` puts values into the placeholders of a text; primitives ask for it by a property.
 */
export function writePrimitives(settings: Settings, scopes: readonly Scope[], replaced: (value: Value) => Value): void {
  for (const scope of scopes) {
    for (const node of scope.graph.nodes.values()) {
      const held = node.saved.values
      if (node.saved.type !== PRIMITIVE || !isList(held) || held.length === 0) continue
      let value = settings.getNode(scope, node, "value", held[0])
      if (node.saved.properties["Run widget replace on values"]) value = replaced(value)
      for (const { source, ends } of scope.graph.targets.values()) {
        if (source.node !== node.saved.id) continue
        for (const target of ends) write(settings, scope, target, value)
      }
    }
  }
}

function write(settings: Settings, scope: Scope, { node, index }: Target, value: Value): void {
  if (node.kind === "host") {
    const inner = scope.inner.get(node.saved.id)
    if (inner !== undefined) settings.setHost(inner, index, value)
    return
  }
  const name = node.inputs[index]?.widget
  const widget = node.widgets.find((each) => each.widget.name === name)?.widget
  if (widget !== undefined) settings.setNode(scope, node, widget.name, rounded(widget, value))
}

/** A float with no more decimals than the widget shows: those of `round`, else those of `step`. */
function rounded(widget: Widget, value: Value): Value {
  const { round, step } = widget.options
  const grain = Number(round || step)
  if (widget.type !== "FLOAT" || typeof value !== "number" || round === false || !(grain > 0)) return value
  const [digits = "", exponent = "0"] = String(grain).split("e")
  const decimals = Math.max(0, (digits.split(".")[1]?.length ?? 0) - Number(exponent))
  return Number(value.toFixed(Math.min(decimals, 20)))
}

/**
 * What a host holds, as pairs of an entry [id of an inner node, widget, ...] and a value.
 *
 * The id -1 means the host itself. Entries come from `proxyWidgets` where older editors left them; otherwise the
 * values are those of the promoted inputs, in their order.
 */
function* hostValues(settings: Settings, host: Fitted): Generator<{ entry: Entry; value: Value }> {
  const { values, named, properties, type } = host.saved
  const list = isList(values) ? values : []
  const proxies = proxiesOf(properties)
  const promoted = host.inputs.filter((_, at) => settings.isPromoted(type, at)).map((slot) => slot.name)
  const hasNames = isObject(values) || (Object.keys(named).length > 0 && (!isList(values) || values.length !== promoted.length))
  const held = isObject(values) ? values : named
  const pairs =
    proxies.length > 0
      ? proxies.slice(0, list.length).map((entry, at) => ({ entry, value: list[at] }))
      : hasNames
        ? promoted.map((name) => ({ entry: ["-1", name], value: held[name] }))
        : promoted.slice(0, list.length).map((name, at) => ({ entry: ["-1", name], value: list[at] }))
  yield* pairs.filter(({ value }) => value !== null && value !== undefined)
  for (const each of objects(properties["proxyWidgetErrorQuarantine"])) {
    const entry = each["originalEntry"]
    if ("hostValue" in each && isList(entry) && entry.length >= 2 && textOf(entry[0]) === "-1") {
      yield { entry, value: each["hostValue"] }
    }
  }
}

/** Set the widget that an entry of a host's values names, if it is still there. */
function put(settings: Settings, scope: Scope, entry: Entry, value: Value): void {
  let { ids, name } = addressOf(entry)
  let place = scope
  for (let id = ids.shift(); id !== undefined; id = ids.shift()) {
    if (id === "-1") {
      setInput(settings, scope, place, name, value)
      return
    }
    const node = place.graph.nodes.get(id)
    if (node === undefined) return
    if (node.kind !== "host") {
      setWidget(settings, scope, place, node, name, value)
      return
    }
    const inner = place.inner.get(id)
    if (inner === undefined) return
    place = inner
    if (ids.length > 0) continue
    if (node.inputs.some((slot) => slot.name === name)) {
      ids.push("-1")
      continue
    }
    // The widget of a host inside may itself be one that the host holds for a node of its own.
    const further = proxiesOf(node.saved.properties).find((each) => each[1] === name)
    if (further !== undefined) ({ ids, name } = addressOf(further))
  }
}

function setWidget(settings: Settings, scope: Scope, place: Scope, node: Fitted, name: string, value: Value): void {
  const source = node.inputs.find((slot) => slot.widget === name)?.source
  if (source?.node === INPUTS) setInput(settings, scope, place, place.graph.saved.inputs[source.slot]?.name, value)
  else settings.setNode(place, node, node.saved.type === PRIMITIVE ? "value" : name, value)
}

/** Set an input of the host of `place`, or that of the outer host which feeds it, up to the host of `scope`. */
function setInput(settings: Settings, scope: Scope, from: Scope, name: string | undefined, value: Value): void {
  let place = from
  let index = from.host?.inputs.findIndex((slot) => slot.name === name) ?? -1
  while (index >= 0) {
    const source = place.host?.inputs[index]?.source
    if (place === scope || place.parent === undefined || source?.node !== INPUTS) {
      settings.setHost(place, index, value)
      return
    }
    ;[place, index] = [place.parent, source.slot]
  }
}
