import {
  AlignEndHorizontal, AlignEndVertical, AlignHorizontalSpaceBetween, AlignStartHorizontal, AlignStartVertical, AlignVerticalSpaceBetween,
} from "lucide-react"
import { useEffect, useRef } from "react"
import { commands, doCommand, shortcutOf } from "~/commands/all"
import { colourNodes } from "~/document/edits/nodes"
import { editGroup } from "~/document/edits/drawn"
import { batch } from "~/document/change"
import type { Point } from "~/document/workflow"
import { Tool } from "~/panels/tool"
import { useApp, useView } from "~/state/use"
import { words } from "~/words/words"
import "~/canvas/menu.css"

const OF_SELECTION = ["feed", "unfeed", "promote", "demote", "", "paintMask", "rename", "slotUp", "slotDown", "copy", "cut", "duplicate", "remove", "dissolve", "", "bypass", "mute", "collapse", "run_here", "", "group", "makeSubgraph", "unpackSubgraph", "enter", "arrange"]
const OF_CANVAS = ["addNode", "library", "paste", "pasteLinked", "selectAll", "", "fit", "arrange", "map", "", "leave", "renameSubgraph", "", "undo", "redo", "help"]
const PLACING = [
  ["alignLeft", AlignStartVertical],
  ["alignRight", AlignEndVertical],
  ["alignTop", AlignStartHorizontal],
  ["alignBottom", AlignEndHorizontal],
  ["distributeAcross", AlignHorizontalSpaceBetween],
  ["distributeDown", AlignVerticalSpaceBetween],
] as const
const COLOURS = [undefined, "#7a3b3b", "#80612f", "#3d6b45", "#2f6c70", "#3b5a8a", "#64478a", "#4a505a"]

/** What can be done where the right button was pressed. */
export function Menu() {
  const at = useView((state) => state.menu)
  return at === null ? null : <Open at={at} />
}

function Open({ at }: { readonly at: Point }) {
  const app = useApp()
  const { editor, view } = app
  const list = useRef<HTMLDivElement>(null)
  const { selected } = editor.state
  const names = withoutLooseRules(
    (selected.size > 0 ? OF_SELECTION : OF_CANVAS).filter((name) => name === "" || commands.get(name)?.when?.(app) !== false),
  )
  const isPaintable = [...selected].some((id) => id.startsWith("group:") || editor.graph.nodes.has(id))
  useEffect(() => {
    list.current?.querySelector("button")?.focus()
  }, [])
  const close = () => {
    view.set({ menu: null })
    document.querySelector<HTMLElement>(".canvas")?.focus()
  }
  const step = (by: number) => {
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])]
    const now = buttons.findIndex((each) => each === document.activeElement)
    buttons[(now + by + buttons.length) % buttons.length]?.focus()
  }
  const paint = (colour: string | undefined) => {
    const groups = [...selected].filter((id) => id.startsWith("group:")).map((id) => editGroup(editor.graph, id.slice(6), { color: colour }))
    editor.edit(batch(colourNodes(editor.graph, selected, colour, undefined), ...groups))
    close()
  }
  const named: Readonly<Record<string, string>> = words.commands
  const left = Math.min(at.x, window.innerWidth - 270)
  const top = Math.max(8, Math.min(at.y, window.innerHeight - 30 * names.length - 60))
  return (
    <div
      className="menu-behind"
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) close()
      }}
      onContextMenu={(event) => {
        event.preventDefault()
      }}
    >
      <div
        ref={list}
        className="menu"
        role="menu"
        aria-label={words.canvas.menu}
        style={{ left, top }}
        onKeyDown={(event) => {
          if (event.key === "Escape" || event.key === "Tab") close()
          else if (event.key === "ArrowDown") step(1)
          else if (event.key === "ArrowUp") step(-1)
          else return
          event.preventDefault()
          event.stopPropagation()
        }}
      >
        {names.map((name, index) =>
          name === "" ? (
            <hr key={index} />
          ) : (
            <button
              key={name}
              role="menuitem"
              onClick={() => {
                close()
                void doCommand(app, name)
              }}
            >
              {named[name]}
              <small>{shortcutOf(name)}</small>
            </button>
          ),
        )}
        {commands.get("alignLeft")?.when?.(app) === true && (
          <div className="menu-row">
            {PLACING.map(([name, icon]) => (
              <Tool key={name} name={name} icon={icon} role="menuitem" isDisabled={commands.get(name)?.when?.(app) === false} onBefore={close} />
            ))}
          </div>
        )}
        {isPaintable && (
          <div className="menu-row menu-colours">
            {COLOURS.map((colour) => (
              <button
                key={colour ?? ""}
                role="menuitem"
                aria-label={colour === undefined ? words.canvas.noColour : words.canvas.colour(colour)}
                style={{ background: colour ?? "var(--raised)" }}
                onClick={() => {
                  paint(colour)
                }}
              />
            ))}
          </div>
        )}
      </div>
    </div>
  )
}

/** Rules stand between entries alone: not at an end, nor next to each other. */
function withoutLooseRules(names: readonly string[]): string[] {
  return names.filter((name, at) => name !== "" || (at > 0 && names[at - 1] !== "" && names.slice(at).some((each) => each !== "")))
}
