import { ReactFlowProvider } from "@xyflow/react"
import { useEffect } from "react"
import { Canvas } from "~/canvas/canvas"
import { commandFor, doCommand } from "~/commands/all"
import { usePageTitle } from "~/panels/page_title"
import { Side } from "~/panels/sides"
import { useApp, useTab } from "~/state/use"
import { words } from "~/words/words"
import "~/page.css"

/** What stands where on the page, and the keys that it hears. */
export function Page() {
  const app = useApp()
  const tab = useTab()
  usePageTitle()
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const command = event.defaultPrevented ? undefined : commandFor(app, event)
      if (command === undefined) return
      event.preventDefault()
      void doCommand(app, command.name)
    }
    window.addEventListener("keydown", onKey)
    return () => {
      window.removeEventListener("keydown", onKey)
    }
  }, [app])
  return (
    <div className="page">
      <button
        className="skip"
        onClick={() => {
          document.querySelector<HTMLElement>(".canvas")?.focus()
        }}
      >
        {words.app.skip}
      </button>
      <Side side="bar" />
      <div className="page-middle">
        <Side side="left" />
        {/* one for each tab: what it knows of nodes must not pass for another's with the same ids */}
        <ReactFlowProvider key={tab.id}>
          <Canvas />
        </ReactFlowProvider>
        <Side side="right" />
      </div>
      <Side side="bottom" />
      <Side side="overlay" />
    </div>
  )
}
