/** Whether a workflow makes the prompt that a pair gives. */

import { expect } from "vitest"
import { isList, type JsonObject } from "~/document/json"
import { promptOf, type Prompt } from "~/document/prompt/convert"
import { MissingTypes, type MissingType } from "~/document/prompt/trouble"
import { asObject } from "~/document/schema/definition"
import { compared, feedingOutputs, fingerprints, hasSkippedHostInside, renamed, withMuted, type Pair } from "./pairs"

/** The prompt of a pair's workflow is the one that it gives; three kinds of files need a word, see below. */
export function expectSamePrompt(pair: Pair, workflow: JsonObject): void {
  const unknown = new Set(Object.keys(pair.prompt).filter((id) => !("class_type" in asObject(pair.prompt[id]))))
  const wanted = compared(pair.prompt, pair, unknown)
  const missing = missingIn(pair, workflow)
  expect([...unknown]).toEqual(expect.arrayContaining(missing.map((each) => each.node)))
  // A type without a definition: the editor emits it without a class, we refuse it by name; the rest is compared.
  const made = converted(pair, withMuted(workflow, new Set(missing.map((each) => each.type))))
  const got = compared(renamed(made, asObject(pair.raw["id_map"])), pair)
  const features = pair.raw["features"]
  if (isList(features) && features.includes("groupnodes")) {
    expect(fingerprints(got)).toEqual(fingerprints(wanted)) // the editor gives new ids to the nodes of a group
  } else if (hasSkippedHostInside(workflow)) {
    expect(feedingOutputs(got, pair)).toEqual(feedingOutputs(wanted, pair))
  } else {
    expect(got).toEqual(wanted)
  }
}

function converted(pair: Pair, workflow: JsonObject): Prompt {
  return promptOf(workflow, pair.definitions, { choose: (alternatives) => alternatives[0] ?? "" })
}

function missingIn(pair: Pair, workflow: JsonObject): readonly MissingType[] {
  try {
    converted(pair, workflow)
    return []
  } catch (error) {
    if (error instanceof MissingTypes) return error.missing
    throw error
  }
}
