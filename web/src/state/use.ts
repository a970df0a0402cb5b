/** What components read: hooks that draw them again when what they picked has changed, and only then. */

import { createContext, useContext } from "react"
import { useStore } from "zustand"
import type { Definition } from "~/document/schema/definition"
import type { Graph } from "~/document/workflow"
import { activeTab, type App, type AppState, type Tab } from "~/state/app"
import { shownGraph, type EditorState } from "~/state/editor"
import type { ViewState } from "~/state/view"
import type { Queue } from "~/run/queue"
import type { RunState } from "~/run/run"

export const AppContext = createContext<App | null>(null)

export function useApp(): App {
  const app = useContext(AppContext)
  if (app === null) throw new Error("this is drawn outside of the app")
  return app
}

/** Something of what the page holds: `useShell((state) => state.notices)`. */
export function useShell<T>(pick: (state: AppState) => T): T {
  return useStore(useApp().store, pick)
}

export function useTab(): Tab {
  return useShell(activeTab)
}

/** Something of the workflow that is shown: `useEditor((state) => state.selected)`. */
export function useEditor<T>(pick: (state: EditorState) => T): T {
  return useStore(useTab().editor.store, pick)
}

export function useGraph(): Graph {
  return useEditor(shownGraph)
}

/** Something of what runs of the shown workflow: `useRun((state) => state.outputs[id])`. */
export function useRun<T>(pick: (state: RunState) => T): T {
  return useStore(useTab().run, pick)
}

/** Something of the server's queue: `useQueue((queue) => queue.remaining)`. */
export function useQueue<T>(pick: (queue: Queue) => T): T {
  return useStore(useApp().queue, pick)
}

export function useDefinition(type: string): Definition | undefined {
  return useShell((state) => state.definitions[type])
}

/** Something of the canvas that is no part of the document: `useView((state) => state.palette)`. */
export function useView<T>(pick: (state: ViewState) => T): T {
  return useStore(useApp().view.store, pick)
}
