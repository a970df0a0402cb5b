import { useStore } from "zustand"
import { jobProgress } from "~/run/estimate"
import { runningJob } from "~/run/run"
import type { Tab } from "~/state/app"
import { words } from "~/words/words"
import "~/panels/tab_run.css"

/** What a tab tells of its jobs: how far the running one is, that some wait, and how one ended that nobody has seen. */
export function TabRun({ tab }: { readonly tab: Tab }) {
  const isRunning = useStore(tab.run, (state) => runningJob(state) !== null)
  const percent = useStore(tab.run, (state) => Math.round((jobProgress(state) ?? 0) * 100))
  const waits = useStore(tab.run, (state) => state.open.length > 0)
  const unseen = useStore(tab.run, (state) => state.unseen)
  if (isRunning) return <progress className="tab-progress" aria-label={words.canvas.progress(percent)} max={100} value={percent} />
  if (waits) return <span className="tab-mark waits" role="img" aria-label={words.tabs.waits} title={words.tabs.waits} />
  if (unseen === null) return null
  return <span className={`tab-mark ${unseen}`} role="img" aria-label={words.tabs.unseen[unseen]} title={words.tabs.unseen[unseen]} />
}
