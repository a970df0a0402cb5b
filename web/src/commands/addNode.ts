import type { Command } from "~/commands/command"
import { chosenNodes } from "~/document/edits/selection"
import type { Point } from "~/document/workflow"
import type { App } from "~/state/app"

const BESIDE = 60

export const command: Command = {
  name: "addNode",
  keys: ["A", "Shift+A"],
  when: (app) => Object.keys(app.state.definitions).length > 0,
  do: (app) => {
    const { view } = app
    const pointer = view.camera?.pointer() ?? null
    view.set({ palette: pointer === null ? { at: besideSelected(app), findsRoom: true } : { at: pointer } })
  },
}

/** To the right of what is selected, else in the middle of what is seen. */
function besideSelected({ editor, view }: App): Point {
  const node = chosenNodes(editor.graph, editor.state.selected).at(-1)
  if (node === undefined) return view.camera?.middle() ?? { x: 0, y: 0 }
  const { width } = view.camera?.sizeOf(node.id) ?? node.size
  return { x: node.at.x + width + BESIDE, y: node.at.y }
}
