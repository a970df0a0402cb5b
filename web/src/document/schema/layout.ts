/**
 * The widgets and input slots that a node gets, read off the definition of its type.
 *
 * Which widgets there are can depend on the values of earlier ones, so laying out asks for the values as it goes.
 */

import { isList, type Json, type JsonObject } from "~/document/json"
import { asObject, COMBO, inputsOf, typeOf, type Definition, type InputSpec } from "~/document/schema/definition"
import { ANY, type Input } from "~/document/workflow"

export const DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
const AUTOGROW = "COMFY_AUTOGROW_V3"
const DYNAMIC_GROUP = "COMFY_DYNAMICGROUP_V3"
export const MATCH = "COMFY_MATCHTYPE_V3"

const DEFAULTS: Readonly<Record<string, Json>> = { INT: 0, FLOAT: 0, STRING: "", BOOLEAN: false, IMAGECOMPARE: ["", ""] }
const WITH_WIDGET = new Set([
  ...Object.keys(DEFAULTS),
  ...[COMBO, "COLOR", "COLORS", "MARKDOWN", "TEXTAREA", "BOUNDING_BOX", "BOUNDING_BOXES", "CURVE", "RANGE", "CHART"],
  ...["GALLERIA", "PAINTER", "WEBCAM", "AUDIO_RECORD", "LOAD_3D"],
])
const PICTURE_UPLOADS = ["image_upload", "video_upload", "animated_image_upload"]
const AUDIO_PLAYERS = new Set(["LoadAudio", "SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "PreviewAudio"])
const MOST_ROWS = 100
const MOST_GROUPS = 20

export interface Widget {
  /** What its value is kept under in a node: unique, where names of controls are not. */
  readonly key: string
  readonly name: string
  readonly type: string
  readonly options: JsonObject
  readonly default: Json | undefined
  /** Whether it has a place in `widgets_values`. */
  readonly isSaved: boolean
  /** Whether its value belongs in a prompt. */
  readonly isSent: boolean
  /** Of what is asked after each run, or filters it: the widget that it rules. */
  readonly controls?: string | undefined
}

export interface Layout {
  /** With their values, in the order of the file. */
  readonly widgets: readonly { readonly widget: Widget; readonly value: Json | undefined }[]
  /** Sockets first, then those of widgets. */
  readonly inputs: readonly Input[]
}

export type ValueOf = (widget: Widget) => Json | undefined

export function defaultOf(widget: Widget): Json | undefined {
  return widget.default
}

export function choicesOf(widget: Widget): readonly Json[] {
  const found = widget.options["options"]
  return isList(found) ? found : []
}

/** What decides on the widget: a definition may lend one type's widget to the data of another. */
export function kindOf(spec: InputSpec): string {
  const lent = spec.options["widgetType"]
  return typeof lent === "string" && lent !== "" ? lent : spec.type
}

export function hasWidget(spec: InputSpec): boolean {
  const isSocket = Boolean(spec.options["forceInput"]) || (!spec.isRequired && Boolean(spec.options["defaultInput"]))
  return !isSocket && (WITH_WIDGET.has(kindOf(spec)) || kindOf(spec) === DYNAMIC_COMBO)
}

/** Lay out a node, asking `valueOf` for the value of each widget in turn. */
export function layOut(type: string, definition: Definition, valueOf: ValueOf = defaultOf): Layout {
  const laying = new Laying(valueOf)
  for (const spec of inputsOf(definition)) {
    laying.add(spec)
    laying.addFollowers(type, spec.name)
  }
  laying.addLast(type, definition)
  return { widgets: laying.widgets, inputs: [...laying.sockets, ...laying.widgetInputs] }
}

/** A node under construction: sockets stand before the inputs of widgets, whatever order they are met in. */
class Laying {
  readonly widgets: { widget: Widget; value: Json | undefined }[] = []
  readonly sockets: Input[] = []
  readonly widgetInputs: Input[] = []

  constructor(private readonly valueOf: ValueOf) {}

  add(spec: InputSpec): void {
    if (spec.type === AUTOGROW) this.addRows(spec)
    else if (spec.type === DYNAMIC_GROUP) this.addGroups(spec)
    else if (spec.type === MATCH) {
      const allowed = asObject(spec.options["template"])["allowed_types"]
      this.socket(spec.name, typeof allowed === "string" && allowed !== "" ? allowed : ANY, spec)
    } else if (!hasWidget(spec)) this.socket(spec.name, spec.type, spec)
    else if (kindOf(spec) === DYNAMIC_COMBO) this.addDynamicCombo(spec)
    else this.addPlain(spec)
  }

  private socket(name: string, type: string, spec: InputSpec): void {
    this.sockets.push(spec.isRequired ? { name, type } : { name, type, rest: { shape: 7 } })
  }

  private ask(widget: Widget): Json | undefined {
    const value = this.valueOf(widget)
    this.widgets.push({ widget, value })
    return value
  }

  /** A widget that serves the editor alone; with a type, it has a slot of that type. */
  private askUnsent(name: string, value: Json | undefined, more: Partial<Widget> = {}): void {
    const widget = { key: name, name, type: "", options: {}, default: value, isSaved: true, isSent: false, ...more }
    this.ask(widget)
    if (widget.type !== "") this.widgetInputs.push({ name, type: widget.type, widget: name })
  }

  private addPlain(spec: InputSpec): void {
    const type = kindOf(spec)
    const isSaved = spec.type !== "IMAGECOMPARE"
    this.ask(plain(spec.name, type, spec.options, defaultFor(spec), isSaved))
    if (!spec.options["socketless"]) {
      const input = { name: spec.name, type: spec.type, widget: spec.name }
      this.widgetInputs.push(spec.isRequired ? input : { ...input, rest: { shape: 7 } })
    }
    if (!isControlled(spec)) return
    const name = "control_after_generate"
    this.askUnsent(name, "randomize", { key: controlKey(spec.name), controls: spec.name })
    if (type === COMBO) this.askUnsent("control_filter", "", { key: filterKey(spec.name), controls: spec.name })
  }

  /** The combo, then the inputs of its selected option, whose slots stand before the combo's own. */
  private addDynamicCombo(spec: InputSpec): void {
    const options = spec.options["options"]
    const byKey = new Map((isList(options) ? options : []).map((each) => [asObject(each)["key"], asObject(each)] as const))
    const choices = { ...spec.options, options: [...byKey.keys()].filter((key) => key !== undefined) }
    const chosen = this.ask(plain(spec.name, COMBO, choices, spec.options["default"] ?? choices.options[0]))
    const option = typeof chosen === "string" ? byKey.get(chosen) : undefined
    for (const each of inputsOf({ input: asObject(option?.["inputs"]) })) {
      this.add({ ...each, name: `${spec.name}.${each.name}` })
    }
    this.widgetInputs.push({ name: spec.name, type: spec.type, widget: spec.name })
  }

  /** The least number of rows and an empty one; a file's further rows are kept as slots of its own. */
  private addRows(spec: InputSpec): void {
    const { row, least, most } = rowsOf(spec)
    for (let number = 0; number < Math.min(least + 1, most); number++) {
      for (const each of row) this.socket(rowName(spec, each, number), each.type, { ...each, isRequired: number < least && each.isRequired })
    }
  }

  /** The number of rows, saved but not sent, then the fields of each row. */
  private addGroups(spec: InputSpec): void {
    const template = asObject(spec.options["template"])
    const least = Number(spec.options["min"] ?? template["min"] ?? 0)
    const widget = { ...plain(spec.name, "INT", {}, least), isSent: false }
    const count = this.ask(widget)
    const rows = typeof count === "number" ? Math.min(count, MOST_GROUPS) : least
    for (let row = 0; row < rows; row++) {
      for (const each of inputsOf({ input: template })) this.add({ ...each, name: `${spec.name}.${row}.${each.name}` })
    }
  }

  /** What the ecosystem's editor puts right after one input of some single types. */
  addFollowers(type: string, name: string): void {
    if (type === "Load3D" && name === "model_file") {
      for (const each of ["upload 3d model", "upload extra resources", "clear"]) this.askUnsent(each, undefined)
    } else if (type === "LoadImageOutput" && name === "image") {
      this.askUnsent("Auto-refresh after generation", false)
      this.askUnsent("refresh", undefined)
    } else if (type === "RecordAudio" && name === "audio") {
      this.askUnsent("audio", undefined, { key: "audio/record" })
    } else if (type === "CustomCombo" && name === "choice") {
      this.ask(plain("index", "INT", {}, 0))
      for (let number = 1; this.ask(plain(`option${number}`, "STRING", {}, "")); number++);
    }
  }

  /** What it appends after all inputs: players, previews and buttons. */
  addLast(type: string, definition: Definition): void {
    const specs = inputsOf(definition)
    if (AUDIO_PLAYERS.has(type)) this.askUnsent("audioUI", undefined, { type: "AUDIO_UI", isSaved: false })
    if (type === "Preview3D" || type === "SaveGLB") this.askUnsent("image", undefined, { type: "PREVIEW_3D" })
    if (type === "WebcamCapture") this.askUnsent("waiting for camera...", undefined)
    if (type === "PreviewAny" || type === "SaveText") {
      this.askUnsent("preview_text", undefined, { isSaved: false })
      this.askUnsent("preview_mode", undefined, { isSaved: false })
    }
    if (specs.some((each) => each.isRequired && PICTURE_UPLOADS.some((key) => each.options[key]))) {
      this.askUnsent("upload", "image", { type: "IMAGEUPLOAD" })
    }
    if (specs.some((each) => each.options["audio_upload"])) this.askUnsent("upload", "", { type: "AUDIOUPLOAD" })
  }
}

function plain(name: string, type: string, options: JsonObject, value: Json | undefined, isSaved = true): Widget {
  return { key: name, name, type, options, default: value, isSaved, isSent: true }
}

export function controlKey(name: string): string {
  return `${name}/control`
}

export function filterKey(name: string): string {
  return `${name}/filter`
}

function isControlled(spec: InputSpec): boolean {
  const asked = spec.options["control_after_generate"]
  const kind = kindOf(spec)
  if (kind === "INT" && (asked === undefined || asked === null)) return spec.name === "seed" || spec.name === "noise_seed"
  return Boolean(asked) && ["INT", "FLOAT", COMBO].includes(kind)
}

/** Whether a widget holds a number that is drawn by chance. */
export function isSeed({ name, type, options }: Widget): boolean {
  return type === "INT" && isControlled({ name, type, options, isRequired: true })
}

function defaultFor(spec: InputSpec): Json | undefined {
  if ("default" in spec.options) return spec.options["default"]
  if (kindOf(spec) !== COMBO) return DEFAULTS[kindOf(spec)]
  if (spec.options["multi_select"]) return []
  const choices = spec.options["options"]
  return isList(choices) ? choices[0] : undefined
}

interface Rows {
  readonly row: readonly InputSpec[]
  readonly least: number
  readonly most: number
}

/** What a group of inputs that grows repeats, and how often. */
export function rowsOf(spec: InputSpec): Rows {
  const template = asObject(spec.options["template"])
  const names = template["names"]
  const most = Number(template["max"] ?? (isList(names) ? names.length : MOST_ROWS))
  return { row: inputsOf({ input: asObject(template["input"]) }), least: Number(template["min"] ?? 0), most }
}

/** The name of one input of a row of a group that grows. */
export function rowName(spec: InputSpec, each: InputSpec, number: number): string {
  const template = asObject(spec.options["template"])
  const names = template["names"]
  if (isList(names) && number < names.length) return `${spec.name}.${typeOf(names[number])}`
  const prefix = rowsOf(spec).row.length === 1 ? template["prefix"] : each.name
  return `${spec.name}.${typeof prefix === "string" && prefix !== "" ? prefix : each.name}${number}`
}

export function isGrowing(spec: InputSpec): boolean {
  return spec.type === AUTOGROW
}
