/** Closing a workflow, and what is asked before something is lost. */

import { saveTab } from "~/commands/saving"
import type { App, Tab } from "~/state/app"
import { isChanged } from "~/state/editor"
import { words } from "~/words/words"

export async function closeTab(app: App, tab: Tab): Promise<void> {
  if (isChanged(tab.editor.state)) {
    app.show(tab.id)
    const reply = await app.ask({
      title: words.files.unsavedTitle(tab.name === "" ? words.app.untitled : tab.name),
      text: words.files.unsaved,
      choices: [
        { name: "save", word: words.files.save },
        { name: "discard", word: words.files.discard },
        { name: "no", word: words.files.cancel },
      ],
    })
    if (reply === null || reply.choice === "no") return
    if (reply.choice === "save" && !(await saveTab(app, tab))) return
  }
  app.close(tab.id)
}
