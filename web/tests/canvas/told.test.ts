import { expect, test } from "vitest"
import { differences } from "~/canvas/told"
import { ROOT } from "~/document/workflow"
import { graph, link, node, workflow } from "../document/made"

const told = (before: ReturnType<typeof graph>, after: ReturnType<typeof graph>) => differences(workflow(before), workflow(after), ROOT, {})

test("what came and went is told by name, and many by number", () => {
  const one = graph([node("1", { title: "First" }), node("2")])
  const linked = { ...one, links: new Map([["7", link("7", "1", "2")]]) }
  expect(told(one, linked)).toEqual(["Linked IMAGE of First to image of Blur."])
  expect(told(linked, one)).toEqual(["Cut the link from IMAGE of First to image of Blur."])
  expect(told(linked, graph([node("2")]))).toEqual(["Removed First."])
  expect(told(graph([]), graph(["1", "2", "3", "4"].map((id) => node(id))))).toEqual(["Added 4 nodes."])
})

test("a value, or a node that moves, is no news", () => {
  expect(told(graph([node("1")]), graph([node("1", { at: { x: 9, y: 9 } })]))).toEqual([])
})
