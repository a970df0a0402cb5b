/** From what was made back to the workflow that made it. */

import { writeJson, type Json } from "~/document/json"
import { openBytes, openText } from "~/document/formats/open"
import { asObject } from "~/document/schema/definition"
import type { FileItem } from "~/run/run"
import type { App } from "~/state/app"

/** Open the workflow that a picture carries in a tab of its own. */
export async function openPicture(app: App, file: FileItem): Promise<void> {
  const bytes = new Uint8Array(await (await app.server.file(file)).arrayBuffer())
  const { workflow } = openBytes(bytes, app.state.definitions)
  app.open(workflow, file.filename.replace(/\.[a-z0-9]+$/i, ""))
  app.lookAway()
}

/** Open the workflow of a job: as it stood on the canvas, or made from its prompt where it came without. */
export async function openJob(app: App, id: string, name: string): Promise<void> {
  const job = await app.server.job(id)
  const told = asObject(job["workflow"])
  const drawn = asObject(asObject(told["extra_data"])["extra_pnginfo"])["workflow"]
  const isDrawn = Array.isArray(asObject(drawn)["nodes"])
  const source: Json | undefined = isDrawn ? drawn : told["prompt"]
  app.open(openText(writeJson(source), app.state.definitions).workflow, name)
}
