/** What a command is. A file here exports one as `command`, or a few alike as `commands`; commands/all.ts finds them by themselves. */

import type { App } from "~/state/app"

export interface Command {
  /** A key of `words.commands`, and the name that menus and tests use. */
  readonly name: string
  /** As `Mod+Z` or `Shift+A`; Mod is Ctrl, on a Mac Cmd. Not heard while a text is typed, unless `alsoInTexts`. */
  readonly keys?: readonly string[]
  readonly alsoInTexts?: boolean
  /** Heard only while the canvas, or nothing at all, has the focus. */
  readonly onCanvas?: boolean
  /** The browser tells of its keys by an event of its own, such as `copy`; they are only shown. */
  readonly isToldByBrowser?: boolean
  /** Whether it can be done now; always unless said. */
  when?(app: App): boolean
  do(app: App): void | Promise<void>
}
