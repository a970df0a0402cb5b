/** Pasting where the browser tells of no keys: from a menu. */

import type { App } from "~/state/app"
import { paste } from "~/state/pasting"
import { words } from "~/words/words"

export async function pasteFromClipboard(app: App, isLinked: boolean): Promise<void> {
  const clipboard = navigator.clipboard as Clipboard | undefined // pages without TLS have none
  const text = await clipboard?.readText().catch(() => undefined)
  if (text === undefined) app.tell("info", words.clipboard.useKeys)
  else if (!paste(app, text, { isLinked })) app.tell("info", words.clipboard.nothing)
}
