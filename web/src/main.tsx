/** Puts the page together: the only file that knows every folder. */

import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { Page } from "~/page"
import { App, freshId } from "~/state/app"
import { Listening } from "~/state/listening"
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
const app = new App(new Server(base), clientId())
const listening = new Listening(app)
openSocket(base, app.clientId, listening)
applyTheme()
void start(app, listening, words.templates.examples.text_to_image.title)

createRoot(root).render(
  <StrictMode>
    <AppContext value={app}>
      <Page />
    </AppContext>
  </StrictMode>,
)
