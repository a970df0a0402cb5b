/** Saving under a name, and what is asked on the way there. */

import type { App, Tab } from "~/state/app"
import { nameOf, pathFor, save } from "~/state/files"
import { words } from "~/words/words"

/** Save a tab where it is kept, or ask for a name; false where the user thought better of it. */
export async function saveTab(app: App, tab: Tab): Promise<boolean> {
  return tab.file === null ? saveTabAs(app, tab) : settle(app, tab, tab.file.path)
}

/** Ask for a name, and save a tab under it. */
export async function saveTabAs(app: App, tab: Tab): Promise<boolean> {
  const path = await askPath(app, words.files.saveTitle, tab.name)
  return path !== null && settle(app, tab, path)
}

/** Ask for the name of a workflow until it can be one; null where the user thought better of it. */
export async function askPath(app: App, title: string, name: string, word = words.files.save): Promise<string | null> {
  let text: string | undefined
  let value = name
  for (;;) {
    const reply = await app.ask({
      title,
      ...(text === undefined ? {} : { text }),
      field: { label: words.files.name, value },
      choices: [
        { name: "yes", word },
        { name: "no", word: words.files.cancel },
      ],
    })
    if (reply?.choice !== "yes") return null
    const path = pathFor(reply.text)
    if (path !== null) return path
    text = words.files.badName
    value = reply.text
  }
}

async function settle(app: App, tab: Tab, path: string): Promise<boolean> {
  const outcome = await save(app, tab, path, false)
  if (outcome === "saved") return told(app, path)
  const name = nameOf(path)
  const reply = await app.ask({
    title: words.files.saveTitle,
    text: outcome === "taken" ? words.files.taken(name) : words.files.changedElsewhere(name),
    choices: [
      { name: "other", word: words.files.otherName },
      { name: "overwrite", word: words.files.overwrite },
      { name: "no", word: words.files.cancel },
    ],
  })
  if (reply?.choice === "other") return saveTabAs(app, tab)
  if (reply?.choice !== "overwrite") return false
  await save(app, tab, path, true)
  return told(app, path)
}

function told(app: App, path: string): true {
  app.tell("info", words.files.saved(nameOf(path)))
  return true
}
