import { useId, useRef, type KeyboardEvent } from "react"
import { doCommand, shortcutOf } from "~/commands/all"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

const PARTS = [
  ["new", "open", "workflows", "examples"],
  ["save", "saveAs", "share"],
  ["exportWorkflow", "exportPrompt", "exportPng", "exportSvg"],
  ["theme"],
] as const

/** What can be done with files, in a menu. */
export function FileMenu() {
  const app = useApp()
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const move = (event: KeyboardEvent): void => {
    const items = [...(list.current?.querySelectorAll("button") ?? [])]
    const at = items.findIndex((each) => each === document.activeElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    items[(to + items.length) % items.length]?.focus()
  }
  return (
    <>
      <button popoverTarget={id} aria-haspopup="menu">
        {words.files.menu}
      </button>
      <div
        id={id}
        ref={list}
        popover="auto"
        role="menu"
        aria-label={words.files.menu}
        className="menu"
        onKeyDown={move}
        onToggle={(event) => {
          if (event.newState === "open") list.current?.querySelector("button")?.focus()
        }}
      >
        {PARTS.map((part) => (
          <div key={part[0]} role="group">
            {part.map((name) => (
              <button
                key={name}
                role="menuitem"
                onClick={() => {
                  list.current?.hidePopover()
                  void doCommand(app, name)
                }}
              >
                {words.commands[name]}
                <kbd>{shortcutOf(name)}</kbd>
              </button>
            ))}
          </div>
        ))}
      </div>
    </>
  )
}
