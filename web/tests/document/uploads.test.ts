import { expect, test } from "vitest"
import type { JsonObject } from "~/document/json"
import type { Widget } from "~/document/schema/layout"
import { fileNamed, isAbsent, nameOfFile, uploadKind } from "~/document/schema/uploads"

const combo = (options: JsonObject): Widget => ({ key: "image", name: "image", type: "COMBO", options, default: "", isSaved: true, isSent: true })

test("a name says where its file lies", () => {
  expect(fileNamed("a.png")).toEqual({ filename: "a.png", subfolder: "", type: "input" })
  expect(fileNamed("a.png", "output")).toEqual({ filename: "a.png", subfolder: "", type: "output" })
  expect(fileNamed("clipspace/a (1).png [input]", "output")).toEqual({ filename: "a (1).png", subfolder: "clipspace", type: "input" })
  expect(fileNamed("a [b].png [temp]")).toEqual({ filename: "a [b].png", subfolder: "", type: "temp" })
})

test("a file has the name by which it is found again", () => {
  for (const name of ["a.png", "clipspace/a.png [input]", "a.png [output]", "deep/er/a.png [temp]"]) {
    expect(nameOfFile(fileNamed(name))).toBe(name)
  }
})

test("only what a list of files would show can be missing from it", () => {
  const pictures = combo({ options: ["a.png"], image_upload: true })
  expect([uploadKind(pictures), uploadKind(combo({ options: [], audio_upload: true })), uploadKind(combo({}))]).toEqual(["image", "audio", undefined])
  expect(isAbsent(pictures, "a.png")).toBe(false)
  expect(isAbsent(pictures, "b.png")).toBe(true)
  expect(isAbsent(pictures, "clipspace/b.png [input]")).toBe(false)
  expect(isAbsent(combo({ options: ["a.safetensors"] }), "folder/b.safetensors")).toBe(true)
  expect(isAbsent(combo({ remote: { route: "/files" } }), "b.png")).toBe(false)
})
