import { expect, test } from "vitest"
import { readFrame } from "~/wire/frames"

function frame(kind: number, second: number, ...rest: Uint8Array[]): ArrayBuffer {
  const head = new DataView(new ArrayBuffer(8))
  head.setUint32(0, kind)
  head.setUint32(4, second)
  const parts = [new Uint8Array(head.buffer), ...rest]
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0))
  let at = 0
  for (const each of parts) {
    whole.set(each, at)
    at += each.length
  }
  return whole.buffer
}

const picture = new Uint8Array([0xff, 0xd8, 1])

test("a preview with its place names the node", async () => {
  const place = { node_id: "7", display_node_id: "7", prompt_id: "p", image_type: "image/png" }
  const json = new TextEncoder().encode(JSON.stringify(place))
  const read = readFrame(frame(4, json.length, json, picture))
  expect(read?.place).toEqual(place)
  expect(read?.picture.type).toBe("image/png")
  expect(new Uint8Array((await read?.picture.arrayBuffer()) ?? new ArrayBuffer(0))).toEqual(picture)
})

test("a plain preview has a picture alone", () => {
  const read = readFrame(frame(1, 1, picture))
  expect(read?.place).toBeUndefined()
  expect(read?.picture.type).toBe("image/jpeg")
  expect(read?.picture.size).toBe(3)
})

test("what is not known, or cut off, is passed over", () => {
  expect(readFrame(frame(3, 1, picture))).toBeNull()
  expect(readFrame(frame(4, 99, picture))).toBeNull()
  expect(readFrame(new ArrayBuffer(5))).toBeNull()
})
