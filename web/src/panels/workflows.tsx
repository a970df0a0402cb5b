import { useCallback, useEffect, useState } from "react"
import { askPath } from "~/commands/saving"
import { Dialog } from "~/panels/dialog"
import type { Panel } from "~/panels/panel"
import { VersionList } from "~/panels/version_list"
import type { App } from "~/state/app"
import { nameOf, openSaved, remove, rename, savedWorkflows } from "~/state/files"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "workflows", side: "overlay", draw: Workflows }

/** The saved workflows: open, rename, delete, and earlier versions. */
function Workflows() {
  const app = useApp()
  const [files, setFiles] = useState<Awaited<ReturnType<typeof savedWorkflows>> | null>(null)
  const [wanted, setWanted] = useState("")
  const [unfolded, setUnfolded] = useState("")
  const close = (): void => {
    app.togglePanel("workflows")
  }
  const act = useCallback(
    (doing: Promise<unknown>): void => {
      doing.then(() => savedWorkflows(app)).then(setFiles).catch((error: unknown) => {
        app.tell("error", error instanceof Error ? error.message : String(error))
      })
    },
    [app],
  )
  useEffect(() => {
    act(Promise.resolve())
  }, [act])
  const shown = (files ?? []).filter(({ path }) => path.toLowerCase().includes(wanted.toLowerCase()))
  return (
    <Dialog title={words.panels.workflows} onClose={close}>
      {files?.length === 0 && <p>{words.files.none}</p>}
      {files !== null && files.length > 0 && (
        <input
          type="search"
          className="search"
          aria-label={words.files.search}
          placeholder={words.files.search}
          value={wanted}
          onChange={(event) => {
            setWanted(event.target.value)
          }}
        />
      )}
      <ul className="saved">
        {shown.map(({ path, modified }) => {
          const name = nameOf(path)
          return (
            <li key={path}>
              <button
                className="plain saved-name"
                onClick={() => {
                  act(openSaved(app, path).then(close))
                }}
              >
                {name}
              </button>
              <time>{new Date(modified).toLocaleString()}</time>
              <button
                aria-expanded={unfolded === path}
                aria-label={words.files.actionOn(words.files.versions, name)}
                onClick={() => {
                  setUnfolded(unfolded === path ? "" : path)
                }}
              >
                {words.files.versions}
              </button>
              <button
                aria-label={words.files.actionOn(words.files.rename, name)}
                onClick={() => {
                  act(askRename(app, path))
                }}
              >
                {words.files.rename}
              </button>
              <button
                aria-label={words.files.actionOn(words.files.delete, name)}
                onClick={() => {
                  act(askDelete(app, path))
                }}
              >
                {words.files.delete}
              </button>
              {unfolded === path && <VersionList name={name} onOpen={close} />}
            </li>
          )
        })}
      </ul>
    </Dialog>
  )
}

async function askRename(app: App, path: string): Promise<void> {
  const to = await askPath(app, words.files.renameTitle(nameOf(path)), nameOf(path), words.files.rename)
  if (to === null || to === path) return
  if (!(await rename(app, path, to))) app.tell("error", words.files.taken(nameOf(to)))
}

async function askDelete(app: App, path: string): Promise<void> {
  const reply = await app.ask({
    title: words.files.deleteTitle(nameOf(path)),
    text: words.files.deleteText,
    choices: [
      { name: "delete", word: words.files.delete },
      { name: "no", word: words.files.cancel },
    ],
  })
  if (reply?.choice === "delete") await remove(app, path)
}
