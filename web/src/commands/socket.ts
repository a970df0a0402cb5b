/** What can be done with the socket or widget that was pointed at: have a new node feed it, or cut what does. */

import type { Command } from "~/commands/command"
import { linkInto } from "~/document/links"
import type { Link } from "~/document/workflow"
import type { App } from "~/state/app"

const BESIDE = 60

export const commands: readonly Command[] = [
  {
    name: "feed",
    when: (app) => pointedInput(app) !== undefined,
    do: (app) => {
      const to = pointedInput(app)
      const node = app.editor.graph.nodes.get(to?.node ?? "")
      if (to === undefined || node === undefined) return
      app.view.set({ palette: { at: { x: node.at.x - BESIDE, y: node.at.y }, end: { to } } })
    },
  },
  {
    name: "unfeed",
    when: (app) => pointedLink(app) !== undefined,
    do: (app) => {
      const link = pointedLink(app)
      if (link !== undefined) app.relink({ type: "disconnect", graph: app.editor.graph.id, id: link.id })
    },
  },
]

function pointedInput({ view }: App) {
  const { pointed } = view.state
  return pointed !== null && "to" in pointed ? pointed.to : undefined
}

function pointedLink(app: App): Link | undefined {
  const to = pointedInput(app)
  return to === undefined ? undefined : linkInto(app.editor.graph, to.node, to.input)
}
