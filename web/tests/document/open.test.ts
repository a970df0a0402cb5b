import { existsSync, readdirSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { writeWorkflow } from "~/document/formats/write"
import { openBytes, openText } from "~/document/formats/open"
import { readJson, writeJson } from "~/document/json"
import { promptOf } from "~/document/prompt/convert"
import { WorkflowError } from "~/document/prompt/trouble"
import { graphOf, ROOT } from "~/document/workflow"
import { compared, folderOf, pairs, renamed, type Pair } from "./pairs"
import { asObject } from "~/document/schema/definition"

const carriers = folderOf("carriers", "carriers")

describe.skipIf(!existsSync(carriers))("a file that carries a workflow", () => {
  test.each([
    ["carrier_png.png", "workflow"],
    ["carrier_png_plain.png", null],
    ["carrier_png_itxt_utf8.png", "workflow"],
    ["carrier_png_itxt_compressed.png", "workflow"],
    ["carrier_png_nan.png", "prompt"],
    ["carrier_png_prompt_only.png", "prompt"],
    ["carrier_apng_comf.png", "workflow"],
    ["carrier_webp.webp", "workflow"],
    ["carrier.svg", "workflow"],
    ["carrier_mp4.mp4", "workflow"],
    ["carrier_webm.webm", "workflow"],
    ["carrier_flac.flac", "workflow"],
    ["carrier_opus.opus", "workflow"],
    ["carrier_mp3.mp3", "workflow"],
    ["carrier.glb", "workflow"],
    ["carrier_latent.latent", "workflow"],
    ["carrier_workflow.json", "workflow"],
    ["carrier_api.json", "prompt"],
  ])("%s is opened as %s", (file, kind) => {
    const bytes = new Uint8Array(readFileSync(`${carriers}/${file}`))
    if (kind === null) {
      expect(() => openBytes(bytes, {})).toThrow("carries no workflow and no prompt")
      return
    }
    const opened = openBytes(bytes, {})
    expect(opened.kind).toBe(kind)
    expect(graphOf(opened.workflow, ROOT).nodes.size).toBeGreaterThan(0)
  })
})

describe.skipIf(!existsSync(carriers))("a file that is cut off", () => {
  const files = readdirSync(carriers).filter((each) => !/json|md$/.test(each))
  test.each(files)("%s is opened or refused in words, wherever it ends", (file) => {
    const bytes = new Uint8Array(readFileSync(`${carriers}/${file}`))
    for (let end = 0; end < bytes.length; end += 97) {
      try {
        openBytes(bytes.subarray(0, end), {})
      } catch (error) {
        expect(error).toBeInstanceOf(WorkflowError)
      }
    }
  })
})

test.each([
  ["{}", "a workflow has nodes"],
  ["{", "no JSON"],
  ["[1]", "a workflow has nodes"],
  ['{"templates": []}', "collection of templates"],
  ['{"a": 1}', "neither a workflow"],
  ['{"nodes": [{"type": "X"}]}', "no id or no type"],
])("%s is refused in words", (text, words) => {
  expect(() => openText(text, {})).toThrow(words)
})

describe.skipIf(pairs().length === 0)("a prompt becomes a workflow that makes the same prompt", () => {
  // Texts of a prompt were chosen among alternatives: where braces are left in them, they would be read anew.
  const hasBraces = (pair: Pair): boolean => pair.name.startsWith("con_53_dynamic_prompts")
  const isWhole = (pair: Pair): boolean => Object.values(pair.prompt).every((each) => "class_type" in asObject(each))
  test.each(pairs().filter((pair) => isWhole(pair) && !hasBraces(pair)))("$name", (pair) => {
    const text = writeJson(pair.prompt)
    const { workflow } = openText(text, pair.definitions)
    const made = promptOf(writeWorkflow(workflow, pair.definitions), pair.definitions, { choose: ([first]) => first ?? "" })
    const names = Object.fromEntries(Object.keys(pair.prompt).map((id) => [id, id.replaceAll(":", "_")]))
    expect(compared(made, pair)).toEqual(compared(renamed(readJson(text), names), pair))
  })
})
