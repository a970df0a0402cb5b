import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { arrange } from "~/document/edits/arrange"
import { distribute } from "~/document/edits/distribute"
import { nodesInside } from "~/document/edits/drawn"
import { graphOf, ROOT, type Graph, type Group } from "~/document/workflow"
import { graph, link, node, told, workflow } from "./made"

const sizeOf = () => ({ width: 200, height: 80 })
const group = (id: string, x: number, y: number, width: number, height: number): [string, Group] => [id, { id, title: id, at: { x, y }, size: { width, height } }]
const at = (id: string, x: number, y: number) => node(id, { at: { x, y } })

function arranged(start: Graph): Graph {
  return graphOf(apply(workflow(start), arrange(start, [...start.nodes.values()], sizeOf)).workflow, ROOT)
}

test("groups keep what is in them and nothing else, also a group in a group", () => {
  const start = graph(
    [at("1", 0, 0), at("2", 40, 60), at("3", 900, 30), at("4", 2000, 2000)],
    [link("1", "1", "3"), link("2", "3", "2"), link("3", "4", "2", { to: { node: "2", input: "radius" } })],
    { groups: new Map([group("outer", -50, -80, 1300, 400), group("inner", -30, -60, 400, 300)]) },
  )
  const done = arranged(start)
  const inside = (id: string) => nodesInside(done, done.groups.get(id) ?? (() => { throw new Error("gone") })()).sort()
  expect(inside("outer")).toEqual(["1", "2", "3"])
  expect(inside("inner")).toEqual(expect.arrayContaining(["1", "2"]))
  const [one, three] = [done.nodes.get("1"), done.nodes.get("3")]
  expect(one && three && one.at.x + 200 < three.at.x).toBe(true)
})

test("it is undone with its frames", () => {
  const start = workflow(graph([at("1", 0, 0), at("2", 5, 5)], [link("1", "1", "2")], { groups: new Map([group("g", -50, -80, 400, 300)]) }))
  const root = graphOf(start, ROOT)
  const done = apply(start, arrange(root, [...root.nodes.values()], sizeOf))
  expect(told(apply(done.workflow, done.inverse).workflow)).toEqual(told(start))
})

test("nodes stand with the same gaps between the first and the last", () => {
  const start = graph([at("1", 0, 7), at("2", 210, 8), at("3", 1000, 9)])
  const done = graphOf(apply(workflow(start), distribute(start, [...start.nodes.values()], "across", sizeOf)).workflow, ROOT)
  expect([...done.nodes.values()].map((each) => each.at)).toEqual([{ x: 0, y: 7 }, { x: 500, y: 8 }, { x: 1000, y: 9 }])
})
