import { useEffect } from "react"
import { refreshQueue } from "~/state/runs"
import { useApp, useRun } from "~/state/use"

const WAIT = 100 // milliseconds: several changes at once are asked for once

/** Keep the lists of jobs as the server has them, while something shows them. */
export function useJobs(): void {
  const app = useApp()
  const stale = useRun((state) => state.stale)
  const isOnline = useRun((state) => state.isOnline)
  useEffect(() => {
    if (!isOnline) return
    const timer = setTimeout(() => {
      refreshQueue(app).catch(() => undefined) // asked for again once the server is back
    }, WAIT)
    return () => {
      clearTimeout(timer)
    }
  }, [app, stale, isOnline])
}
