import fc from "fast-check"
import { expect, test } from "vitest"
import { apply } from "~/document/apply"
import { batch, type Change } from "~/document/change"
import { record, redo, seal, startHistory, undo } from "~/document/history"
import { graphOf, ROOT, type Workflow } from "~/document/workflow"
import { anyChange, EMPTY, graph, link, node, told, workflow } from "./made"

/** Apply what fits of some changes. */
function after(start: Workflow, changes: readonly Change[]): Workflow {
  return changes.reduce((before, change) => tried(before, change)?.workflow ?? before, start)
}

function tried(before: Workflow, change: Change) {
  try {
    return apply(before, change)
  } catch {
    return null
  }
}

const somewhere = fc.array(anyChange, { maxLength: 25 }).map((changes) => after(EMPTY, changes))

test("every change is taken back by its inverse, and done again by the inverse of that", () => {
  let fitting = 0
  fc.assert(
    fc.property(somewhere, anyChange, (before, change) => {
      const done = tried(before, change)
      if (done === null) return
      fitting++
      const undone = apply(done.workflow, done.inverse)
      expect(told(undone.workflow)).toEqual(told(before))
      expect(told(apply(undone.workflow, undone.inverse).workflow)).toEqual(told(done.workflow))
    }),
    { numRuns: 1000 },
  )
  expect(fitting).toBeGreaterThan(200)
})

test("a change leaves the workflow before it as it was", () => {
  fc.assert(
    fc.property(somewhere, anyChange, (before, change) => {
      const words = told(before)
      tried(before, change)
      expect(told(before)).toEqual(words)
    }),
  )
})

test("however much was done, undoing all gives the beginning, and redoing all the end", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyChange, fc.constantFrom(undefined, "drag", "type")), { maxLength: 30 }), (doings) => {
      let history = startHistory(EMPTY)
      for (const [change, gesture] of doings) {
        try {
          history = record(history, change, gesture)
        } catch {
          continue // it did not fit
        }
      }
      const end = told(history.workflow)
      const steps = history.past.length
      for (let at = 0; at < steps; at++) history = undo(history)
      expect(told(history.workflow)).toEqual(told(EMPTY))
      for (let at = 0; at < steps; at++) history = redo(history)
      expect(told(history.workflow)).toEqual(end)
    }),
  )
})

test("a drag is one step, and keeps one change however long it is", () => {
  const start = workflow(graph([node("1")]))
  let history = startHistory(start)
  for (let x = 1; x <= 100; x++) {
    history = record(history, { type: "edit-node", graph: ROOT, id: "1", set: { at: { x, y: 0 } } }, "drag")
  }
  expect(history.past).toHaveLength(1)
  expect(history.past[0]?.redo).toEqual({ type: "edit-node", graph: ROOT, id: "1", set: { at: { x: 100, y: 0 } } })
  history = record(seal(history), { type: "edit-node", graph: ROOT, id: "1", set: { at: { x: 5, y: 5 } } }, "drag")
  expect(history.past).toHaveLength(2)
  expect(graphOf(undo(history).workflow, ROOT).nodes.get("1")?.at).toEqual({ x: 100, y: 0 })
})

test("a removed node comes back with its links, in its place", () => {
  const start = workflow(graph([node("1"), node("2"), node("3")], [link("7", "1", "2"), link("8", "2", "3")]))
  const { workflow: done, inverse } = apply(start, { type: "remove-node", graph: ROOT, id: "2" })
  expect(graphOf(done, ROOT).links.size).toBe(0)
  expect(told(apply(done, inverse).workflow)).toEqual(told(start))
})

test("an input has one link: the one before is let go, and comes back", () => {
  const start = workflow(graph([node("1"), node("2"), node("3")], [link("7", "1", "3")]))
  const { workflow: done, inverse } = apply(start, { type: "connect", graph: ROOT, link: link("8", "2", "3") })
  expect([...graphOf(done, ROOT).links.keys()]).toEqual(["8"])
  expect(told(apply(done, inverse).workflow)).toEqual(told(start))
})

test("what does not fit is refused by name", () => {
  expect(() => apply(EMPTY, { type: "remove-node", graph: ROOT, id: "9" })).toThrow("graph root has no node 9")
  expect(() => apply(EMPTY, { type: "edit-graph", graph: "x", set: {} })).toThrow("there is no graph x")
})

test("a batch that fails half way changes nothing", () => {
  const start = workflow(graph([node("1")]))
  const move: Change = { type: "edit-node", graph: ROOT, id: "1", set: { at: { x: 9, y: 9 } } }
  expect(() => record(startHistory(start), { type: "batch", changes: [move, { type: "remove-node", graph: ROOT, id: "2" }] })).toThrow()
  expect(graphOf(start, ROOT).nodes.get("1")?.at).toEqual({ x: 0, y: 0 })
})

test("a reroute cannot come before itself, by however many others", () => {
  const add = (id: string, parent?: string): Change => ({
    ...{ type: "add-reroute", graph: ROOT, reroute: { id, at: { x: 0, y: 0 }, ...(parent === undefined ? {} : { parent }) } },
  })
  const { workflow: made } = apply(EMPTY, batch(add("1"), add("2", "1"), add("3", "2")))
  for (const parent of ["1", "2", "3"]) {
    expect(() => apply(made, { type: "edit-reroute", graph: ROOT, id: "1", set: { parent } })).toThrow("before itself")
  }
})
