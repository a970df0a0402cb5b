/** The example workflows of the server. */

import { openText } from "~/document/formats/open"
import type { App } from "~/state/app"

export const OWN = "heddle"
export const FIRST = "text_to_image"

/** Open a template in a tab of its own, under a name. */
export async function openTemplate(app: App, pack: string, template: string, name: string): Promise<void> {
  const text = await app.server.readTemplate(pack, template)
  const { workflow } = openText(text, app.state.definitions)
  app.open(workflow, name)
}
