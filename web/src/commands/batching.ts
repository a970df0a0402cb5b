/** What is asked before a workflow is queued several times with nothing that differs between them. */

import { afterRun, drawSeeds } from "~/document/edits/after_run"
import type { Change } from "~/document/change"
import type { App, Tab } from "~/state/app"
import { words } from "~/words/words"

/** How often to queue a tab's workflow, where the batch says `times`; the user may have seeds drawn anew for each. */
export async function timesToRun(app: App, { editor }: Tab, times: number): Promise<number> {
  const { definitions } = app.state
  if (times <= 1 || !isEmpty(afterRun(editor.workflow, definitions))) return times
  const draw = drawSeeds(editor.workflow, definitions)
  const reply = await app.ask({
    title: words.batch.title(times),
    text: isEmpty(draw) ? words.batch.noSeed : words.batch.text,
    choices: [
      ...(isEmpty(draw) ? [] : [{ name: "draw", word: words.batch.draw }]),
      { name: "once", word: words.batch.once },
      { name: "all", word: words.batch.all(times) },
    ],
  })
  if (reply === null) return 0
  if (reply.choice === "draw") editor.edit(draw)
  return reply.choice === "once" ? 1 : times
}

function isEmpty(change: Change): boolean {
  return change.type === "batch" && change.changes.length === 0
}
