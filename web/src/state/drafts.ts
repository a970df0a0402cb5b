/** What is open, kept on the server while it is worked on: a draft per tab. After a reload all is as it was. */

import { openText } from "~/document/formats/open"
import { isObject, readJson, textOf, writeJson, type Json } from "~/document/json"
import { asObject } from "~/document/schema/definition"
import { writeWorkflow } from "~/document/formats/write"
import { freshId, type App, type Tab } from "~/state/app"
import { isChanged } from "~/state/editor"
import { keptRun, readKeptRun } from "~/state/kept_run"
import { tellRun } from "~/state/run_store"
import { textOfWorkflow } from "~/state/files"
import { keepVersion } from "~/state/versions"
import { ServerError } from "~/wire/http"

const FOLDER = "heddle/drafts"
const SESSION = "heddle.tabs" // which tabs this window has; the browser's last ones, for a new window
const UNSENT = "heddle.unsent." // drafts that the server may not have yet, kept over a reload
const CALM = 400 // milliseconds without a change before a draft is sent
const VERSION_AGE = 5 * 60_000
const FORGOTTEN = 30 * 24 * 3600_000

interface Session {
  readonly active: string
  readonly tabs: readonly string[]
}

export class Drafts {
  private readonly kept = new Map<string, string>() // by tab: the draft that the server has
  private readonly watched = new Map<string, () => void>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private sending: Promise<void> = Promise.resolve()

  constructor(private readonly app: App) {}

  /** Keep drafts of all tabs from now on. */
  watch(): void {
    this.app.store.subscribe((after, before) => {
      if (after.tabs !== before.tabs || after.active !== before.active) this.follow()
    })
    this.app.queue.subscribe((after, before) => {
      if (after.isOnline && !before.isOnline) this.later()
    })
    window.addEventListener("pagehide", () => {
      this.stash()
    })
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void this.send()
    })
    this.follow()
  }

  /** Open what this window had open, or a copy of what the browser's last window had; false where there is nothing. */
  async restore(): Promise<boolean> {
    const own = sessionStorage.getItem(SESSION)
    const session = sessionIn(own) ?? sessionIn(localStorage.getItem(SESSION))
    if (session === null) return false
    const ids = new Map<string, string>()
    for (const id of session.tabs) {
      const unsent = sessionStorage.getItem(UNSENT + id)
      const text = unsent ?? (await this.read(id))
      sessionStorage.removeItem(UNSENT + id)
      const fresh = own === null ? freshId() : id
      if (unsent === null && text !== null && own !== null) this.kept.set(id, text)
      if (text !== null && this.open(text, fresh)) ids.set(id, fresh)
    }
    const active = ids.get(session.active)
    if (active !== undefined) this.app.show(active)
    return ids.size > 0
  }

  /** Delete the drafts that nobody has looked at for long. */
  async clear(): Promise<void> {
    const before = Date.now() - FORGOTTEN
    for (const { path, modified } of await this.app.server.userFiles(FOLDER)) {
      if (modified < before) await this.app.server.deleteUserFile(`${FOLDER}/${path}`)
    }
  }

  private open(text: string, id: string): boolean {
    try {
      const draft = asObject(readJson(text))
      const { workflow } = openText(writeJson(draft["workflow"] ?? null), this.app.state.definitions)
      const file = asObject(draft["file"])
      const saved = isObject(draft["file"]) ? { path: textOf(file["path"]), modified: Number(file["modified"]) } : null
      const tab = this.app.open(workflow, textOf(draft["name"]), saved, id)
      if (draft["isChanged"] === true) tab.editor.markUnsaved()
      tellRun(tab.run, { type: "restored", kept: readKeptRun(draft["run"]) })
      return true
    } catch (error) {
      this.app.tell("error", String(error))
      return false
    }
  }

  private async read(id: string): Promise<string | null> {
    try {
      return await this.app.server.readUserFile(`${FOLDER}/${id}.json`)
    } catch (error) {
      if (error instanceof ServerError && error.status === 404) return null
      throw error
    }
  }

  private follow(): void {
    const { tabs, active } = this.app.state
    const open = new Set(tabs.map((tab) => tab.id))
    for (const tab of tabs) {
      if (!this.watched.has(tab.id)) this.watched.set(tab.id, this.watchTab(tab))
    }
    for (const [id, leave] of this.watched) {
      if (open.has(id)) continue
      leave()
      this.watched.delete(id)
      this.sending = this.sending.then(() => this.forget(id)).catch(() => undefined)
    }
    const session = writeJson({ active, tabs: [...open] })
    sessionStorage.setItem(SESSION, session)
    localStorage.setItem(SESSION, session)
    this.later()
  }

  private watchTab(tab: Tab): () => void {
    const leaveEditor = tab.editor.store.subscribe(() => { this.later() })
    const leaveRun = tab.run.subscribe((after, before) => {
      if (after.open.length !== before.open.length || after.shown !== before.shown) this.later()
    })
    return () => {
      leaveEditor()
      leaveRun()
    }
  }

  private later(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.send(), CALM)
  }

  /** Send the drafts that changed, one after the other. What fails is sent with the next change, or once online again. */
  private send(): Promise<void> {
    clearTimeout(this.timer)
    this.sending = this.sending.then(async () => {
      for (const tab of this.app.state.tabs) {
        const text = this.draftOf(tab)
        if (this.kept.get(tab.id) === text) continue
        await this.app.server.writeUserFile(`${FOLDER}/${tab.id}.json`, text, true)
        this.kept.set(tab.id, text)
        if (isChanged(tab.editor.state)) {
          await keepVersion(this.app, tab.file === null ? tab.id : tab.name, textOfWorkflow(this.app, tab.editor.workflow), VERSION_AGE)
        }
      }
    }).catch(() => undefined)
    return this.sending
  }

  private async forget(id: string): Promise<void> {
    if (this.kept.delete(id)) await this.app.server.deleteUserFile(`${FOLDER}/${id}.json`)
  }

  private stash(): void {
    for (const tab of this.app.state.tabs) {
      const text = this.draftOf(tab)
      try {
        if (this.kept.get(tab.id) !== text) sessionStorage.setItem(UNSENT + tab.id, text)
      } catch {
        void this.send() // larger than the browser keeps
      }
    }
  }

  private draftOf(tab: Tab): string {
    const workflow = writeWorkflow(tab.editor.workflow, this.app.state.definitions)
    const file: Json = tab.file === null ? null : { ...tab.file }
    return writeJson({ name: tab.name, file, isChanged: isChanged(tab.editor.state), run: keptRun(tab.run.getState()), workflow })
  }
}

function sessionIn(text: string | null): Session | null {
  if (text === null) return null
  const { active, tabs } = asObject(readJson(text))
  return Array.isArray(tabs) && tabs.length > 0 ? { active: textOf(active), tabs: tabs.map(String) } : null
}
