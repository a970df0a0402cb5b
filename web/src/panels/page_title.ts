import { useEffect } from "react"
import { jobProgress } from "~/run/estimate"
import { runningJob } from "~/run/run"
import type { Tab } from "~/state/app"
import { useApp, useShell } from "~/state/use"
import { words } from "~/words/words"

/** Have the window's title say how far a run is, or how one ended that nobody has seen: it may be in the background. */
export function usePageTitle(): void {
  const app = useApp()
  const tabs = useShell((state) => state.tabs)
  const active = useShell((state) => state.active)
  useEffect(() => {
    const tell = (): void => {
      const title = titleOf(tabs, active)
      if (document.title !== title) document.title = title
    }
    tell()
    const leaves = tabs.map(({ run }) => run.subscribe(tell))
    return () => {
      for (const leave of leaves) leave()
    }
  }, [app, tabs, active])
}

/** The shown workflow comes first, then whichever has something to tell. */
function titleOf(tabs: readonly Tab[], active: string): string {
  const [shown, ...others] = [...tabs].sort((a, b) => Number(b.id === active) - Number(a.id === active))
  if (shown === undefined) return words.app.title
  const all = [shown, ...others]
  const running = all.find(({ run }) => runningJob(run.getState()) !== null)
  if (running !== undefined) {
    const percent = Math.round((jobProgress(running.run.getState()) ?? 0) * 100)
    return words.app.titleOf(running.name, words.run.percent(percent))
  }
  const ended = all.find(({ run }) => run.getState().unseen !== null)
  const how = ended?.run.getState().unseen ?? null
  return ended === undefined || how === null ? words.app.titleOf(shown.name) : words.app.titleOf(ended.name, words.tabs.ended[how])
}
