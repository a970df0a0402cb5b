import { expect, test } from "vitest"
import { partnersOf, socketsOf } from "~/document/edits/partners"
import { roomBelow } from "~/document/edits/room"
import { graph, link, node } from "./made"

const row = graph([node("1"), node("2"), node("3")], [link("7", "1", "2")])
const ends = (found: ReturnType<typeof partnersOf>) => found.map(({ end }) => ("to" in end ? `${end.to.node}.${end.to.input}` : `${end.from.node}#${end.from.output}`))

test("an output may go to every input that fits, makes no circle and is not linked to it; taken ones come later", () => {
  expect(ends(partnersOf(row, { from: { node: "3", output: 0 } }, "IMAGE"))).toEqual(["1.image", "2.image"])
  expect(ends(partnersOf(row, { from: { node: "2", output: 0 } }, "IMAGE"))).toEqual(["3.image"])
})

test("an input may come from every output but its own", () => {
  expect(ends(partnersOf(row, { to: { node: "2", input: "image" } }, "IMAGE"))).toEqual(["3#0"])
})

test("the sockets of a node know their links, and those of widgets come last", () => {
  const second = row.nodes.get("2")
  expect(second && socketsOf(row, second).map(({ name, links }) => [name, links.length])).toEqual([["IMAGE", 0], ["image", 1], ["radius", 0]])
})

test("room is found below what lies there", () => {
  const sizeOf = () => ({ width: 200, height: 80 })
  const size = { width: 200, height: 80 }
  const two = graph([node("1"), node("2", { at: { x: 0, y: 150 } })])
  expect(roomBelow(two, { x: 20, y: 10 }, size, sizeOf)).toEqual({ x: 20, y: 290 })
  expect(roomBelow(two, { x: 400, y: 10 }, size, sizeOf)).toEqual({ x: 400, y: 10 })
})
