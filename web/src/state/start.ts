/** What is open when the page opens: what a link carries, what was open before, or an example. */

import type { App } from "~/state/app"
import { Drafts } from "~/state/drafts"
import type { Listening } from "~/state/listening"
import { carriesWorkflow, openLink } from "~/state/share"
import { FIRST, openTemplate, OWN } from "~/state/templates"

/** Load the node types, open what is to be open, and keep it from then on. `example`: what the first one is called. */
export async function start(app: App, listening: Listening, example: string): Promise<void> {
  const drafts = new Drafts(app)
  const tell = (error: unknown): void => {
    app.tell("error", error instanceof Error ? error.message : String(error))
  }
  try {
    await app.refreshDefinitions()
    if (!(await drafts.restore()) && !carriesWorkflow(window.location.hash)) await openTemplate(app, OWN, FIRST, example)
  } catch (error) {
    tell(error)
    whenOnline(app, () => void start(app, listening, example)) // nothing is kept until then: it would take the place of what was open
    return
  }
  const follow = (): void => {
    try {
      followLink(app)
    } catch (error) {
      tell(error)
    }
  }
  drafts.watch()
  void listening.begin()
  follow()
  window.addEventListener("hashchange", follow)
  await drafts.clear().catch(tell)
}

function whenOnline(app: App, then: () => void): void {
  const leave = app.queue.subscribe((after, before) => {
    if (!after.isOnline || before.isOnline) return
    leave()
    then()
  })
}

function followLink(app: App): void {
  const { hash, pathname, search } = window.location
  if (!carriesWorkflow(hash)) return
  history.replaceState(null, "", pathname + search)
  openLink(app, hash)
}
