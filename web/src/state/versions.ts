/** Earlier states of workflows, a few of each, kept on the server. */

import { openText } from "~/document/formats/open"
import type { App } from "~/state/app"
import type { UserFile } from "~/wire/http"

const FOLDER = "heddle/versions"
const KEPT = 10

/** Of a workflow by its name, or by its tab's id where it has none. */
export interface Version {
  readonly path: string
  readonly at: Date
}

function folderOf(name: string): string {
  return `${FOLDER}/${name.replaceAll("/", "%")}` // names hold no percent sign of their own, as slashes alone are written so
}

function byAge(files: readonly UserFile[], folder: string): Version[] {
  return files
    .filter(({ path }) => /^\d+\.json$/.test(path))
    .map(({ path }) => ({ path: `${folder}/${path}`, at: new Date(parseInt(path)) }))
    .sort((a, b) => b.at.getTime() - a.at.getTime())
}

/** The versions of a workflow, the newest first. */
export async function versionsOf(app: App, name: string): Promise<Version[]> {
  const folder = folderOf(name)
  return byAge(await app.server.userFiles(folder), folder)
}

/** Keep a version, unless there is one younger than `age` milliseconds; the oldest ones go. */
export async function keepVersion(app: App, name: string, text: string, age = 0): Promise<void> {
  const known = await versionsOf(app, name)
  const now = Date.now()
  if (known[0] !== undefined && now - known[0].at.getTime() < age) return
  await app.server.writeUserFile(`${folderOf(name)}/${now}.json`, text, true)
  for (const old of known.slice(KEPT - 1)) await app.server.deleteUserFile(old.path)
}

/** Open a version in a tab of its own. */
export async function openVersion(app: App, version: Version, name: string): Promise<void> {
  const { workflow } = openText(await app.server.readUserFile(version.path), app.state.definitions)
  app.open(workflow, name).editor.markUnsaved()
}
