import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { connect, insertOnLink, reconnect, refusal } from "~/document/edits/connect"
import { dissolveNode } from "~/document/edits/nodes"
import { areCompatible } from "~/document/schema/types"
import { graphOf, ROOT } from "~/document/workflow"
import { graph, link, node, workflow } from "./made"

const latent = node("9", { inputs: [{ name: "latent", type: "LATENT" }], outputs: [{ name: "LATENT", type: "LATENT" }] })

test.each([
  ["IMAGE", "IMAGE", true],
  ["image", "IMAGE", true],
  ["*", "LATENT", true],
  ["IMAGE,MASK", "MASK", true],
  ["IMAGE, MASK", "mask,LATENT", true],
  ["IMAGE", "LATENT", false],
])("%s and %s fit together: %s", (a, b, wanted) => {
  expect(areCompatible(a, b)).toBe(wanted)
  expect(areCompatible(b, a)).toBe(wanted)
})

test("a refusal says why", () => {
  const chain = graph([node("1"), node("2"), latent], [link("7", "1", "2")])
  const from = (id: string) => ({ node: id, output: 0 })
  expect(refusal(chain, from("1"), { node: "9", input: "latent" })).toEqual({ because: "types", given: "IMAGE", wanted: "LATENT" })
  expect(refusal(chain, from("1"), { node: "1", input: "image" })).toEqual({ because: "same-node" })
  expect(refusal(chain, from("2"), { node: "1", input: "image" })).toEqual({ because: "circle" })
  expect(refusal(chain, from("1"), { node: "2", input: "nothing" })).toEqual({ because: "missing" })
  expect(refusal(chain, from("1"), { node: "2", input: "image" })).toBeNull()
})

test("a node is put into a link where it fits, and only there", () => {
  const start = workflow(graph([node("1"), node("2"), node("3"), latent], [link("7", "1", "2")]))
  const root = graphOf(start, ROOT)
  expect(insertOnLink(root, link("7", "1", "2"), latent)).toBeNull()
  const change = insertOnLink(root, link("7", "1", "2"), node("3"))
  expect(change).not.toBeNull()
  if (change === null) return
  const links = [...graphOf(apply(start, change).workflow, ROOT).links.values()]
  expect(links.map((each) => [each.from.node, each.to.node])).toEqual([
    ["1", "3"],
    ["3", "2"],
  ])
})

test("a link's end is handed to another input", () => {
  const start = workflow(graph([node("1"), node("2"), node("3")], [link("7", "1", "2")]))
  const moved = apply(start, reconnect(graphOf(start, ROOT), link("7", "1", "2"), { to: { node: "3", input: "image" } })).workflow
  expect([...graphOf(moved, ROOT).links.values()].map((each) => [each.id, each.to.node])).toEqual([["7", "3"]])
})

test("a dissolved node leaves what fed it linked to what it fed", () => {
  const start = workflow(graph([node("1"), node("2"), node("3")], [link("7", "1", "2"), link("8", "2", "3")]))
  const done = graphOf(apply(start, dissolveNode(graphOf(start, ROOT), "2")).workflow, ROOT)
  expect([...done.links.values()].map((each) => [each.from.node, each.to.node])).toEqual([["1", "3"]])
})

test("a new link has an id that no link had, also after loading", () => {
  const loaded = graph([node("1"), node("2")], [link("7", "1", "2")], { rest: { last_link_id: 40 } })
  const change = connect(loaded, { node: "1", output: 0 }, { node: "2", input: "radius" })
  expect(change).toMatchObject({ link: { id: "41", type: "IMAGE" } })
})
