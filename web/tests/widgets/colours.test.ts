import { expect, test } from "vitest"
import type { Widget } from "~/document/schema/layout"
import { colourValue, hexOf, isColour, readHex } from "~/widgets/colours"

const of = (type: string, display?: string): Widget => ({
  ...{ key: "c", name: "c", type, default: 0, isSaved: true, isSent: true },
  options: display === undefined ? {} : { display },
})

test("a colour is held as its schema says: as text, or as one whole number", () => {
  expect([isColour(of("COLOR")), isColour(of("INT", "color")), isColour(of("INT")), isColour(of("STRING", "color"))]).toEqual([true, true, false, false])
  expect(colourValue(of("INT", "color"), "#00ff10")).toBe(0x00ff10)
  expect(colourValue(of("COLOR"), "#00ff10")).toBe("#00ff10")
  expect([hexOf(0x00ff10), hexOf(0), hexOf("#00FF10"), hexOf(undefined), hexOf(99999999)]).toEqual(["#00ff10", "#000000", "#00ff10", "#000000", "#ffffff"])
})

test("colours are typed with three digits or six, with or without their sign", () => {
  expect(["#fa0", "FFAA00", "#ffaa0", "red", ""].map(readHex)).toEqual(["#ffaa00", "#ffaa00", null, null, null])
})
