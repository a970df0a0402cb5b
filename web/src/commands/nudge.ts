/** Moves what is selected by the arrow keys; presses in a row are undone at once. */

import type { Command } from "~/commands/command"
import { moveNodes } from "~/document/edits/nodes"
import { chosenNodes } from "~/document/edits/selection"

const STEP = 20

export const commands: readonly Command[] = [
  { name: "nudgeLeft", keys: ["Mod+ArrowLeft"], ...nudging(-STEP, 0) },
  { name: "nudgeRight", keys: ["Mod+ArrowRight"], ...nudging(STEP, 0) },
  { name: "nudgeUp", keys: ["Mod+ArrowUp"], ...nudging(0, -STEP) },
  { name: "nudgeDown", keys: ["Mod+ArrowDown"], ...nudging(0, STEP) },
]

function nudging(dx: number, dy: number): Pick<Command, "onCanvas" | "when" | "do"> {
  return {
    onCanvas: true,
    when: ({ editor }) => chosenNodes(editor.graph, editor.state.selected).length > 0,
    do: ({ editor }) => {
      const nodes = chosenNodes(editor.graph, editor.state.selected)
      const gesture = `nudge ${nodes.map((node) => node.id).join(" ")}`
      editor.edit(moveNodes(editor.graph, new Map(nodes.map(({ id, at }) => [id, { x: at.x + dx, y: at.y + dy }]))), gesture)
    },
  }
}
