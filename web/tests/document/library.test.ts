import { expect, test } from "vitest"
import { fitting } from "~/document/edits/add"
import { entriesOf, search } from "~/document/library"
import type { Definition, Definitions } from "~/document/schema/definition"

const latent: Definition = { input: { required: { samples: ["LATENT", {}] } } }
const definitions: Definitions = {
  AddNoise: { display_name: "AddNoise", ...latent },
  KSampler: { display_name: "KSampler", input: { required: { latent_image: ["LATENT", {}] } }, output: ["LATENT"] },
  KSamplerAdvanced: { display_name: "KSampler (Advanced)", ...latent },
  OldSampler: { display_name: "Sampler of old", deprecated: true, ...latent },
  PreviewAny: { display_name: "Preview as Text", input: { required: { source: ["*", {}] } } },
  VAEDecode: { display_name: "VAE Decode", ...latent },
}
const titles = (text: string): string[] => search(entriesOf(definitions), text).map((each) => each.title)

test("without words, what is used most comes first and what is out of date last", () => {
  expect(titles("").slice(0, 2)).toEqual(["VAE Decode", "KSampler"])
  expect(titles("").at(-1)).toBe("Sampler of old")
})

test("of those that begin with a word, the one used more comes first", () => {
  expect(titles("ksam")).toEqual(["KSampler", "KSampler (Advanced)"])
})

test("a link is offered what takes just its type before what takes anything", () => {
  const end = { from: { node: "1", output: 0 } }
  const offered = fitting(search(entriesOf(definitions), ""), end, "LATENT").map((each) => each.type)
  expect(offered.slice(0, 2)).toEqual(["VAEDecode", "KSampler"])
  expect(offered.indexOf("PreviewAny")).toBeGreaterThan(offered.indexOf("AddNoise"))
})
