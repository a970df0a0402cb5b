/** By the arrow keys from node to node; with Shift, the next one is selected as well. */

import type { Command } from "~/commands/command"
import { nearest, type Direction } from "~/document/nearest"
import type { NodeId, Rect } from "~/document/workflow"
import type { App } from "~/state/app"

export const commands: readonly Command[] = [
  { name: "goLeft", keys: ["ArrowLeft"], ...going("left") },
  { name: "goRight", keys: ["ArrowRight"], ...going("right") },
  { name: "goUp", keys: ["ArrowUp"], ...going("up") },
  { name: "goDown", keys: ["ArrowDown"], ...going("down") },
  { name: "alsoLeft", keys: ["Shift+ArrowLeft"], ...going("left", true) },
  { name: "alsoRight", keys: ["Shift+ArrowRight"], ...going("right", true) },
  { name: "alsoUp", keys: ["Shift+ArrowUp"], ...going("up", true) },
  { name: "alsoDown", keys: ["Shift+ArrowDown"], ...going("down", true) },
]

function going(direction: Direction, isAdded = false): Pick<Command, "onCanvas" | "when" | "do"> {
  return {
    onCanvas: true,
    when: ({ editor }) => editor.graph.nodes.size > 0,
    do: (app) => {
      const boxes = boxesOf(app)
      const from = standsOn(app)
      const to = from === undefined ? first(app, boxes) : nextOf(boxes, from, direction)
      if (to === undefined) {
        if (from !== undefined) app.view.camera?.focus(from)
        return
      }
      app.editor.select(isAdded ? [...app.editor.state.selected, to] : [to])
      app.view.camera?.focus(to)
    },
  }
}

function boxesOf({ editor, view }: App): Map<NodeId, Rect> {
  return new Map([...editor.graph.nodes.values()].map((node) => [node.id, { ...node.at, ...(view.camera?.sizeOf(node.id) ?? node.size) }]))
}

/** The node that has the focus, else the one selected last. */
function standsOn({ editor, view }: App): NodeId | undefined {
  const focused = view.camera?.focused()?.node
  if (focused !== undefined && editor.graph.nodes.has(focused)) return focused
  return [...editor.state.selected].findLast((id) => editor.graph.nodes.has(id))
}

function nextOf(boxes: Map<NodeId, Rect>, from: NodeId, direction: Direction): NodeId | undefined {
  const box = boxes.get(from)
  boxes.delete(from)
  return box === undefined ? undefined : nearest(boxes, box, direction)
}

/** What lies next to the middle of what is seen. */
function first({ view }: App, boxes: ReadonlyMap<NodeId, Rect>): NodeId | undefined {
  const middle = view.camera?.middle() ?? { x: 0, y: 0 }
  const distance = (box: Rect): number => Math.hypot(box.x + box.width / 2 - middle.x, box.y + box.height / 2 - middle.y)
  return [...boxes].sort(([, a], [, b]) => distance(a) - distance(b))[0]?.[0]
}
