/** What holds the memory of devices, as parts of a bar and rows below it. */

import type { Device, Share, SystemStats } from "~/wire/types"

export type Kind = "weights" | "copies" | "results" | "work" | "others" | "free"

export interface Row {
  readonly kind: Kind
  /** Its name; null for what is called by its kind. */
  readonly what: string | null
  readonly near: number
  readonly whole: number
}

export interface Memory {
  readonly worker: string
  /** What the device is called; null for the RAM beside one. */
  readonly device: string | null
  readonly total: number
  readonly free: number
  readonly held: number
  readonly budget: number | null
  /** They fill the total, from what the worker holds to what others do: what networks share is counted once. */
  readonly parts: readonly (readonly [Kind, number])[]
  readonly rows: readonly Row[]
}

/** A bar for each worker's device, and one for its RAM where that is another memory. */
export function memories({ system, devices }: SystemStats): Memory[] {
  return devices.flatMap((device) => {
    const { ram, shares } = device.heddle
    const own = memory(device, device.name, { total: device.vram_total, free: device.vram_free }, device.heddle, shares.map(rowOf))
    if (ram === null) return [own]
    const copies = shares.filter((each) => each.ram > 0).map(({ what, ram: near }): Row => ({ kind: "copies", what, near, whole: near }))
    return [own, memory(device, null, { total: system.ram_total, free: system.ram_free }, ram, [...ram.shares.map(rowOf), ...copies])]
  })
}

function memory(device: Device, name: string | null, room: { total: number; free: number }, account: { held: number; budget: number | null }, all: readonly Row[]): Memory {
  const rows = all.filter((each) => each.near > 0)
  const sum = (kind: Kind) => rows.reduce((size, each) => (each.kind === kind ? size + each.near : size), 0)
  const [results, work, copies] = [sum("results"), sum("work"), sum("copies")]
  const weights = Math.max(account.held - results - work - copies, 0)
  const taken = Math.min(weights + results + work + copies, room.total)
  const others = Math.max(room.total - room.free - taken, 0)
  const shown: readonly Row[] = others > 0 ? [...rows, { kind: "others", what: null, near: others, whole: others }] : rows
  const parts = [["weights", weights], ["copies", copies], ["results", results], ["work", work], ["free", Math.max(room.total - taken - others, 0)], ["others", others]] as const
  return { worker: device.heddle.worker, device: name, ...room, held: account.held, budget: account.budget, parts: parts.filter(([, size]) => size > 0), rows: shown }
}

function rowOf({ kind, what, near, whole }: Share): Row {
  return kind === "results" || kind === "work" ? { kind, what: null, near, whole } : { kind: "weights", what, near, whole }
}
