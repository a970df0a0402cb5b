import type { Command } from "~/commands/command"
import { copyText } from "~/document/clipboard"
import { chosenNodes } from "~/document/edits/selection"
import { paste } from "~/state/pasting"

const BESIDE = 40

export const command: Command = {
  name: "duplicate",
  keys: ["Mod+D"],
  when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
  do: (app) => {
    const { editor } = app
    const nodes = chosenNodes(editor.graph, editor.state.selected)
    const corner = { x: Math.min(...nodes.map((node) => node.at.x)), y: Math.min(...nodes.map((node) => node.at.y)) }
    const text = copyText(editor.workflow, editor.graph.id, new Set(nodes.map((node) => node.id)), app.state.definitions)
    paste(app, text, { at: { x: corner.x + BESIDE, y: corner.y + BESIDE }, isLinked: true })
  },
}
