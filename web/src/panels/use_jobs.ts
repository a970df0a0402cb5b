import { useEffect } from "react"
import { useApp } from "~/state/use"

/** Keep the lists of jobs as the server has them, while something shows them. */
export function useJobs(): void {
  const app = useApp()
  useEffect(() => app.jobs.show(), [app])
}
