/** Workflows under names: files of the user on the server, where the ecosystem's other frontends find them as well. */

import { openText } from "~/document/formats/open"
import { writeWorkflow } from "~/document/formats/write"
import { writeJson } from "~/document/json"
import type { Workflow } from "~/document/workflow"
import type { App, SavedFile, Tab } from "~/state/app"
import { keepVersion } from "~/state/versions"
import { ServerError, type UserFile } from "~/wire/http"

const FOLDER = "workflows"
const ENDING = ".json"

/** A workflow's file as text. */
export function textOfWorkflow(app: App, workflow: Workflow): string {
  return writeJson(writeWorkflow(workflow, app.state.definitions), 2)
}

/** The saved workflows, by name. Those whose names begin with a dot are other programs'. */
export async function savedWorkflows(app: App): Promise<UserFile[]> {
  const files = await app.server.userFiles(FOLDER)
  return files
    .filter(({ path }) => path.endsWith(ENDING) && !path.split("/").some((part) => part.startsWith(".")))
    .sort((a, b) => a.path.localeCompare(b.path))
}

/** The name of a file: its path without the ending. */
export function nameOf(path: string): string {
  return path.endsWith(ENDING) ? path.slice(0, -ENDING.length) : path
}

/** The path that a typed name means; null for one that cannot be a file's. */
export function pathFor(name: string): string | null {
  const parts = nameOf(name.trim()).split("/").map((part) => part.trim())
  const isGood = (part: string) => part !== "" && !part.startsWith(".") && !/[\\:*?"<>|\p{Cc}]/u.test(part)
  return parts.every(isGood) ? parts.join("/") + ENDING : null
}

/** Open a saved workflow, or show the tab that has it open. */
export async function openSaved(app: App, path: string): Promise<void> {
  const open = app.state.tabs.find((tab) => tab.file?.path === path)
  if (open !== undefined) {
    app.show(open.id)
    return
  }
  const text = await app.server.readUserFile(`${FOLDER}/${path}`)
  const { workflow } = openText(text, app.state.definitions)
  app.open(workflow, nameOf(path), await fileNow(app, path))
}

export type Outcome = "saved" | "taken" | "changed elsewhere"

/** Save a tab under a path. Another's file, and one that changed since it was opened, is kept unless `overwrite`. */
export async function save(app: App, tab: Tab, path: string, overwrite: boolean): Promise<Outcome> {
  const isOwn = tab.file?.path === path
  const now = isOwn && !overwrite ? await fileNow(app, path) : null
  if (now !== null && now.modified !== tab.file?.modified) return "changed elsewhere"
  const { workflow } = tab.editor
  const text = textOfWorkflow(app, workflow)
  try {
    await app.server.writeUserFile(`${FOLDER}/${path}`, text, isOwn || overwrite)
  } catch (error) {
    if (error instanceof ServerError && error.status === 409) return "taken"
    throw error
  }
  app.label(tab.id, nameOf(path), await fileNow(app, path))
  tab.editor.markSaved(workflow)
  await keepVersion(app, nameOf(path), text)
  return "saved"
}

/** Give a saved workflow another name; false where that is taken. */
export async function rename(app: App, from: string, to: string): Promise<boolean> {
  try {
    await app.server.moveUserFile(`${FOLDER}/${from}`, `${FOLDER}/${to}`)
  } catch (error) {
    if (error instanceof ServerError && error.status === 409) return false
    throw error
  }
  const file = await fileNow(app, to)
  for (const tab of app.state.tabs) if (tab.file?.path === from) app.label(tab.id, nameOf(to), file)
  return true
}

/** Delete a saved workflow; a tab that has it open keeps it, unsaved. */
export async function remove(app: App, path: string): Promise<void> {
  await app.server.deleteUserFile(`${FOLDER}/${path}`)
  for (const tab of app.state.tabs) {
    if (tab.file?.path !== path) continue
    app.label(tab.id, tab.name, null)
    tab.editor.markUnsaved()
  }
}

async function fileNow(app: App, path: string): Promise<SavedFile | null> {
  const found = (await savedWorkflows(app)).find((each) => each.path === path)
  return found === undefined ? null : { path, modified: found.modified }
}
