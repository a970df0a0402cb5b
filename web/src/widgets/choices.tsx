import { useEffect, useId, useMemo, useRef, useState } from "react"
import { isObject, writeJson, type Json } from "~/document/json"
import { choicesOf } from "~/document/schema/layout"
import { isAbsent } from "~/document/schema/uploads"
import { useApp } from "~/state/use"
import type { WidgetProps } from "~/widgets/widget"
import { words } from "~/words/words"
import "~/widgets/choices.css"

const MOST = 200

/**
 * A list that is searched by typing. Opening it asks the server for the files there are now; a value that is not
 * among the choices, such as an absent model, is shown and stays.
 */
export function Choices({ node, widget, value, label, hint = "", onChange, onDone }: WidgetProps & { readonly hint?: string }) {
  const app = useApp()
  const id = useId()
  const [typed, setTyped] = useState<string | null>(null) // null: closed
  const [at, setAt] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const [told, setTold] = useState<readonly Json[] | null>(null) // of lists that the server keeps elsewhere
  const choices = told ?? choicesOf(widget)
  const isGone = isAbsent(widget, value)
  const isOpen = typed !== null
  const found = useMemo(() => (typed === null ? [] : matching(choices, typed)), [choices, typed])
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" })
  }, [at, isOpen])

  const open = () => {
    if (isOpen) return
    setTyped("")
    setAt(Math.max(0, choices.indexOf(value ?? null)))
    const remote = widget.options["remote"]
    if (isObject(remote)) app.server.choices(remote).then(setTold, failed)
    else app.refreshDefinition(app.editor.graph.nodes.get(node)?.type ?? "").catch(() => undefined) // the list stays as it was
  }
  const failed = (error: unknown): void => {
    app.tell("error", words.widgets.noList(label, error instanceof Error ? error.message : String(error)))
  }
  const choose = (chosen: Json | undefined) => {
    setTyped(null)
    if (chosen === undefined) return
    onChange(chosen)
    onDone()
  }
  return (
    <div className="nodrag widget-choices">
      <input
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={id}
        aria-activedescendant={isOpen && found.length > 0 ? `${id}-${String(at)}` : undefined}
        aria-invalid={isGone}
        title={shownAs(value)}
        value={typed ?? (isGone ? words.widgets.absent(shownAs(value)) : shownAs(value))}
        placeholder={isOpen ? shownAs(value) || hint : hint}
        onClick={open}
        onChange={(event) => {
          open()
          setTyped(event.target.value)
          setAt(0)
        }}
        onBlur={() => {
          setTyped(null)
        }}
        onKeyDown={(event) => {
          const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0
          if (by !== 0) {
            event.preventDefault()
            if (isOpen) setAt((at + by + found.length) % Math.max(found.length, 1))
            else open()
          } else if (event.key === "Enter" && isOpen) {
            event.preventDefault()
            choose(found[at])
          } else if (event.key === "Escape" && isOpen) {
            event.stopPropagation()
            setTyped(null)
          }
        }}
      />
      {isOpen && (
        <ul ref={list} id={id} role="listbox" aria-label={label} className="nowheel">
          {found.slice(0, MOST).map((each, index) => (
            <li
              key={index}
              id={`${id}-${String(index)}`}
              role="option"
              aria-selected={index === at}
              onPointerDown={(event) => {
                event.preventDefault() // the field keeps the focus until a choice is made
              }}
              onClick={() => {
                choose(each)
              }}
            >
              {shownAs(each)}
            </li>
          ))}
          {found.length === 0 && <li className="none">{words.widgets.noChoice}</li>}
        </ul>
      )}
    </div>
  )
}

/** The choices that have every word that is typed. */
function matching(choices: readonly Json[], typed: string): readonly Json[] {
  const wanted = typed.toLowerCase().split(/\s+/)
  return choices.filter((each) => wanted.every((word) => shownAs(each).toLowerCase().includes(word)))
}

function shownAs(value: Json | undefined): string {
  return value === undefined ? "" : typeof value === "string" ? value : writeJson(value)
}
