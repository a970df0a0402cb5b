/** Puts the page together: the only file that knows every folder. */

import { ReactFlowProvider } from "@xyflow/react"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { Page } from "~/page"
import { App, freshId } from "~/state/app"
import { listenerFor, makeRunStore } from "~/state/runs"
import { start } from "~/state/start"
import { applyTheme } from "~/state/theme"
import { AppContext } from "~/state/use"
import { Server } from "~/wire/http"
import { openSocket } from "~/wire/socket"
import { words } from "~/words/words"
import "~/theme.css"

const NAME = "heddle.client"

/** This window's name on the server: kept over reloads, so that what is missed in between is told then. */
function clientId(): string {
  const known = sessionStorage.getItem(NAME)
  const id = known ?? freshId()
  sessionStorage.setItem(NAME, id)
  return id
}

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no element #root")

const base = new URL("./", document.baseURI).href
const run = makeRunStore()
const server = new Server(base)
const app = new App(server, run, clientId())
openSocket(base, app.clientId, listenerFor(run, server))
applyTheme()
void start(app, words.templates.examples.text_to_image.title)

createRoot(root).render(
  <StrictMode>
    <AppContext value={app}>
      <ReactFlowProvider>
        <Page />
      </ReactFlowProvider>
    </AppContext>
  </StrictMode>,
)
