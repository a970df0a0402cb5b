import { expect, test } from "vitest"
import { memories } from "~/run/memory"
import type { Device, Share, SystemStats } from "~/wire/types"

const share = (kind: string, what: string | null, near: number, more: Partial<Share> = {}): Share => ({ kind, what, near, ram: 0, whole: near, ...more })

function stats(type: string, shares: Share[], held: number, ram: Device["heddle"]["ram"] = null): SystemStats {
  const heddle = { worker: `${type}:0`, budget: 800, held, shares, estimates: [], ram }
  const device = { name: `${type} card`, type, index: 0, vram_total: 1000, vram_free: 300, torch_vram_total: 0, torch_vram_free: 0, heddle }
  return { system: { ram_total: 4000, ram_free: 1000 } as SystemStats["system"], devices: [device] }
}

test("the parts of a bar fill it, and what networks share is there once", () => {
  const shares = [share("weights", "UNet", 300), share("weights", "UNet, patched", 200), share("results", "kept results", 50), share("work", "what runs now", 20)]
  const [only, ...more] = memories(stats("cpu", shares, 470))
  expect(more).toEqual([])
  expect(only).toMatchObject({ worker: "cpu:0", device: "cpu card", budget: 800, held: 470 })
  expect(only?.parts).toEqual([["weights", 400], ["results", 50], ["work", 20], ["free", 300], ["others", 230]])
  expect(only?.rows.map(({ what }) => what)).toEqual(["UNet", "UNet, patched", null, null, null])
})

test("work that was expected to need more than is taken leaves nothing to others", () => {
  const [only] = memories(stats("cpu", [share("work", "what runs now", 900)], 900))
  expect(only?.parts).toEqual([["work", 900], ["free", 100]])
})

test("beside a card stands its RAM, with copies of what the card computes with", () => {
  const ram = { budget: null, held: 130, shares: [share("results", "kept results", 30)] }
  const [card, beside] = memories(stats("cuda", [share("weights", "UNet", 0, { ram: 100, whole: 300 })], 0, ram))
  expect(card?.rows.map(({ kind }) => kind)).toEqual(["others"])
  expect(card?.parts).toEqual([["free", 300], ["others", 700]])
  expect(beside).toMatchObject({ worker: "cuda:0", device: null, budget: null, total: 4000 })
  expect(beside?.parts).toEqual([["copies", 100], ["results", 30], ["free", 1000], ["others", 2870]])
  expect(beside?.rows).toContainEqual({ kind: "copies", what: "UNet", near: 100, whole: 100 })
})

test("names that are not told leave the kind", () => {
  const [only] = memories(stats("cpu", [share("weights", null, 100, { whole: 200 })], 100))
  expect(only?.rows[0]).toEqual({ kind: "weights", what: null, near: 100, whole: 200 })
})
