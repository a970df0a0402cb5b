import { expect, test } from "vitest"
import { filesIn } from "~/run/shown"

test("the files that a node shows are found under whatever name, each once, with what they are", () => {
  const film = { filename: "film.mp4", subfolder: "video", type: "output" as const }
  const files = filesIn({
    images: [{ filename: "a.png", subfolder: "", type: "temp" }],
    animated: [true],
    audio: [{ filename: "a.flac", subfolder: "audio", type: "output" }],
    gifs: [{ ...film, format: "video/h264-mp4", frame_rate: 8 }],
    video: [film],
    latents: [{ filename: "a.latent", subfolder: "latents", type: "output" }],
    text: ["said"],
    result: ["mesh.glb", null],
  })
  expect(files.map(({ file, medium }) => [file.filename, medium])).toEqual([
    ["a.png", "image"],
    ["a.flac", "audio"],
    ["film.mp4", "video"],
    ["a.latent", "other"],
  ])
  expect(files[2]?.file).toEqual(film)
})

test("a file that says no place lies among the outputs", () => {
  expect(filesIn({ images: [{ filename: "a.webp" } as never] })[0]?.file).toEqual({ filename: "a.webp", subfolder: "", type: "output" })
})
