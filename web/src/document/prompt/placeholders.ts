/** Placeholders in file names: `%date:yyyy-MM-dd%`, and `%Node.widget%` for what another node's widget holds. */

import { textOf, type Json } from "~/document/json"
import type { Fitted } from "~/document/prompt/fit"
import type { Scope } from "~/document/prompt/scopes"
import type { Settings } from "~/document/prompt/settings"

const SAVERS = new Set([
  ...["SaveImage", "SaveImageAdvanced", "SaveSVGNode", "SaveVideo", "SaveAnimatedWEBP", "SaveAnimatedPNG", "SaveWEBM"],
  ...["SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "SaveGLB", "Save3DAdvanced"],
  ...["SaveGaussianSplat", "SavePointCloud", "CLIPSave", "VAESave", "ModelSave", "LoraSave", "SaveLatent"],
])
const UNFIT_FOR_FILES = /[/?<>\\:*|"\x00-\x1f\x7f]/g

/** Whether a widget is a file name whose placeholders are filled. */
export function namesAFile(type: string, widget: string): boolean {
  return widget === "filename_prefix" && SAVERS.has(type)
}

/** Fills the placeholders of a text from the widgets of a workflow and the time. */
export class Placeholders {
  private nodes: Map<string, { scope: Scope; node: Fitted }> | undefined

  constructor(
    private readonly settings: Settings,
    private readonly scopes: readonly Scope[],
    private readonly now: Date,
  ) {}

  /** Fill in what can be; the rest stays, as the node that saves may know it. Only texts have placeholders. */
  fill(value: Json | undefined): Json | undefined {
    return typeof value === "string" ? value.replace(/%([^%]+)%/g, (whole, inner: string) => this.filled(whole, inner)) : value
  }

  private filled(whole: string, inner: string): string {
    if (inner.startsWith("date:")) return formatTime(this.now, inner.slice("date:".length))
    const dot = inner.indexOf(".")
    const [name, widget] = dot < 0 ? [inner, ""] : [inner.slice(0, dot), inner.slice(dot + 1)]
    const found = this.named(name)
    if (found === undefined) return whole
    for (const { widget: each, value } of this.settings.ofNode(found.scope, found.node)) {
      if (each.name === widget) return value === undefined ? whole : asText(value).replace(UNFIT_FOR_FILES, "_")
    }
    return whole
  }

  /** The first node by a name. The name given for this purpose counts before any title. */
  private named(name: string): { scope: Scope; node: Fitted } | undefined {
    if (this.nodes === undefined) {
      const all = this.scopes.flatMap((scope) => [...scope.graph.nodes.values()].map((node) => ({ scope, node })))
      const names = [
        ...all.map((each) => [textOf(each.node.saved.properties["Node name for S&R"]), each] as const),
        ...all.map((each) => [each.node.title, each] as const),
      ]
      this.nodes = new Map(names.reverse())
    }
    return this.nodes.get(name)
  }
}

/** Write a time by a pattern of yyyy yy M MM d dd h hh m mm s ss; doubled letters are padded, hours go to 23. */
export function formatTime(time: Date, format: string): string {
  const parts: Readonly<Record<string, number>> = {
    M: time.getMonth() + 1,
    d: time.getDate(),
    h: time.getHours(),
    m: time.getMinutes(),
    s: time.getSeconds(),
  }
  return format.replace(/yyyy|yy|MM?|dd?|hh?|mm?|ss?/g, (letters) => {
    if (letters.startsWith("y")) return String(time.getFullYear()).padStart(4, "0").slice(-letters.length)
    return String(parts[letters.charAt(0)] ?? 0).padStart(letters.length, "0")
  })
}

function asText(value: Json): string {
  return value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)
}
