/** A link that carries a workflow: deflated, in the part of the address that no server is sent. */

import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate"
import { openText } from "~/document/formats/open"
import { writeWorkflow } from "~/document/formats/write"
import { writeJson } from "~/document/json"
import type { Workflow } from "~/document/workflow"
import type { App } from "~/state/app"

const MARK = "workflow="
const LARGEST = 20_000_000 // bytes of JSON that a link may unfold to

/** A text, so that it fits into an address. */
export function packText(text: string): string {
  let bytes = ""
  for (const byte of deflateSync(strToU8(text), { level: 9 })) bytes += String.fromCharCode(byte)
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")
}

/** The text that was packed. Throws where it was not. */
export function unpackText(packed: string): string {
  const bytes = atob(packed.replaceAll("-", "+").replaceAll("_", "/"))
  const deflated = Uint8Array.from(bytes, (each) => each.charCodeAt(0))
  return strFromU8(inflateSync(deflated, { out: new Uint8Array(LARGEST) }))
}

/** The link to a workflow on this server. */
export function linkTo(app: App, workflow: Workflow, name: string): string {
  const url = new URL(app.server.base)
  const file = writeJson(writeWorkflow(workflow, app.state.definitions, true))
  url.hash = `${MARK}${packText(file)}${name === "" ? "" : `&name=${encodeURIComponent(name)}`}`
  return url.href
}

export function carriesWorkflow(hash: string): boolean {
  return hash.startsWith(`#${MARK}`)
}

/** Open what an address carries. Throws where that is damaged. */
export function openLink(app: App, hash: string): void {
  const parts = new URLSearchParams(hash.slice(1))
  const { workflow } = openText(unpackText(parts.get(MARK.slice(0, -1)) ?? ""), app.state.definitions)
  app.open(workflow, parts.get("name") ?? "").editor.markUnsaved()
}
