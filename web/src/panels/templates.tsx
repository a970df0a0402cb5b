import { useEffect, useState } from "react"
import { Dialog } from "~/panels/dialog"
import type { Panel } from "~/panels/panel"
import { openTemplate, OWN } from "~/state/templates"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "templates", side: "overlay", draw: Templates }

interface Told {
  readonly title: string
  readonly line: string
}

const EXAMPLES: Readonly<Record<string, Told>> = words.templates.examples

/** The server's example workflows with what they paint: known ones in the order of their words, then all others. */
function Templates() {
  const app = useApp()
  const [found, setFound] = useState<Readonly<Record<string, readonly string[]>>>({})
  const close = (): void => {
    app.togglePanel("templates")
  }
  const failed = (error: unknown): void => {
    app.tell("error", String(error))
  }
  useEffect(() => {
    app.server.templates().then(setFound, (error: unknown) => {
      app.tell("error", String(error))
    })
  }, [app])
  const packs = Object.entries(found).sort(([a], [b]) => Number(b === OWN) - Number(a === OWN))
  return (
    <Dialog title={words.panels.templates} className="wide" onClose={close}>
      {packs.map(([pack, names]) => (
        <section key={pack}>
          {pack === OWN ? <p>{words.templates.text}</p> : <h3>{words.templates.of(pack)}</h3>}
          <ul className="cards">
            {inOrder(names).map((name) => {
              const told = pack === OWN ? EXAMPLES[name] : undefined
              const title = told?.title ?? name.replaceAll("_", " ")
              return (
                <li key={name}>
                  <button
                    onClick={() => {
                      openTemplate(app, pack, name, title).then(close, failed)
                    }}
                  >
                    <img
                      src={app.server.templatePicture(pack, name)}
                      alt=""
                      loading="lazy"
                      onError={(event) => {
                        event.currentTarget.hidden = true
                      }}
                    />
                    <strong>{title}</strong>
                    {told !== undefined && <span>{told.line}</span>}
                  </button>
                </li>
              )
            })}
          </ul>
        </section>
      ))}
    </Dialog>
  )
}

function inOrder(names: readonly string[]): string[] {
  const order = Object.keys(EXAMPLES)
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)
  return [...names].sort((a, b) => place(a) - place(b))
}
