import { useEffect, useRef } from "react"
import { commands, isMac } from "~/commands/all"
import type { Panel } from "~/panels/panel"
import { useApp } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/help.css"

export const panel: Panel = { name: "help", side: "overlay", draw: Help }

/** Every command that has keys, and what the pointer can do. */
function Help() {
  const app = useApp()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const shown = dialog.current
    if (shown?.open === false) shown.showModal()
  }, [])
  const named: Readonly<Record<string, string>> = words.commands
  return (
    <dialog
      ref={dialog}
      className="help"
      aria-label={words.panels.help}
      onClose={() => {
        app.togglePanel("help")
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close()
      }}
    >
      <header>
        <h2>{words.panels.help}</h2>
        <form method="dialog">
          <button>{words.help.close}</button>
        </form>
      </header>
      <div className="help-columns">
        <dl>
          {words.help.gestures.map(([does, gesture]) => (
            <div key={does}>
              <dt>{does}</dt>
              <dd>{gesture}</dd>
            </div>
          ))}
        </dl>
        <dl>
          {[...commands.values()]
            .filter((each) => (each.keys?.length ?? 0) > 0)
            .sort((a, b) => (named[a.name] ?? a.name).localeCompare(named[b.name] ?? b.name))
            .map(({ name, keys }) => (
              <div key={name}>
                <dt>{named[name] ?? name}</dt>
                <dd>
                  {keys?.map((each) => (
                    <kbd key={each}>{words.help.keys(each, isMac())}</kbd>
                  ))}
                </dd>
              </div>
            ))}
        </dl>
      </div>
      <p>
        <a href={`${app.server.base}licenses.txt`} target="_blank" rel="noreferrer">
          {words.help.licences}
        </a>
      </p>
    </dialog>
  )
}
