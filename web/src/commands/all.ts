/** Every command, and the one that a key press means. */

import type { Command } from "~/commands/command"
import type { App } from "~/state/app"
import { words } from "~/words/words"

const files = import.meta.glob<{ command?: Command; commands?: readonly Command[] }>(["./*.ts", "!./all.ts"], { eager: true })

export const commands: ReadonlyMap<string, Command> = new Map(
  Object.values(files)
    .flatMap(({ command, commands = [] }) => (command === undefined ? commands : [command, ...commands]))
    .map((each) => [each.name, each]),
)

/** Do a command by its name, if it can be done now; errors are told to the user. */
export async function doCommand(app: App, name: string): Promise<void> {
  const command = commands.get(name)
  if (command === undefined) throw new Error(`there is no command ${name}`)
  if (command.when?.(app) === false) return
  try {
    await command.do(app)
  } catch (error) {
    app.tell("error", error instanceof Error ? error.message : String(error))
  }
}

/** The keys of a command, as they are told to the user; empty where it has none. */
export function shortcutOf(name: string): string {
  return words.help.keys(commands.get(name)?.keys?.[0] ?? "", isMac())
}

export function isMac(): boolean {
  return /mac|iphone|ipad/i.test(navigator.userAgent)
}

/** Keys as words: `Mod+Shift+Z`. */
export function keysOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key
  const held = [
    [event.ctrlKey || event.metaKey, "Mod"],
    [event.altKey, "Alt"],
    [event.shiftKey, "Shift"],
  ] as const
  return [...held.filter(([is]) => is).map(([, word]) => word), key].join("+")
}

/** The command that a key press asks for and that can be done now, if any. */
export function commandFor(app: App, event: KeyboardEvent): Command | undefined {
  const keys = keysOf(event)
  const target = event.target
  const isTyping =
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  const isElsewhere = target instanceof Element && target !== document.body && target.closest(".canvas") === null
  const presses = target instanceof Element && target.closest("button, summary, a") !== null && /^(Enter|Space)$/.test(keys)
  return [...commands.values()].find(
    (each) =>
      each.keys?.includes(keys) === true &&
      each.isToldByBrowser !== true &&
      (!isTyping || each.alsoInTexts === true) &&
      !(each.onCanvas === true && (isElsewhere || presses)) &&
      each.when?.(app) !== false,
  )
}
