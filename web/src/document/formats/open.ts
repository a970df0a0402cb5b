/** Opens whatever may hold a workflow or a prompt: JSON, and the pictures, sounds, films and models that carry one. */

import { isList, isObject, readJson, type JsonObject } from "~/document/json"
import { isSafetensors, textsIn } from "~/document/formats/carriers/all"
import { latin, Reader } from "~/document/formats/carriers/reader"
import { isPrompt, workflowOfPrompt } from "~/document/formats/from_prompt"
import { readWorkflow } from "~/document/formats/read"
import { WorkflowError } from "~/document/prompt/trouble"
import type { Definitions } from "~/document/schema/definition"
import type { Workflow } from "~/document/workflow"

export interface Opened {
  readonly workflow: Workflow
  /** What the file held: the prompt alone has no layout, which was made up then. */
  readonly kind: "workflow" | "prompt"
}

/** A file that could carry a workflow, and does not. */
export class NothingCarried extends WorkflowError {
  constructor(readonly kind: string) {
    super(`This ${kind} file carries no workflow and no prompt.`)
  }
}

/** Open the text of a file. Throws WorkflowError for what holds neither a workflow nor a prompt. */
export function openText(text: string, definitions: Definitions): Opened {
  let value: unknown
  try {
    value = readJson(text)
  } catch (error) {
    throw new WorkflowError(`This is no JSON that can be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isObject(value) || Object.keys(value).length === 0) {
    throw new WorkflowError("This holds no workflow: a workflow has nodes, and a prompt at least one.")
  }
  return openJson(value, definitions)
}

function openJson(value: JsonObject, definitions: Definitions): Opened {
  if ("templates" in value) throw new WorkflowError("This is a collection of templates, which are snippets to insert, and no workflow.")
  if (isPrompt(value)) return { workflow: workflowOfPrompt(value, definitions), kind: "prompt" }
  if (!isList(value["nodes"])) {
    throw new WorkflowError("This is neither a workflow, which has a list called nodes, nor a prompt, whose entries have a class_type.")
  }
  return { workflow: readWorkflow(value, definitions), kind: "workflow" }
}

/** Open the bytes of a file that carries a workflow or a prompt, or is JSON. Throws WorkflowError. */
export function openBytes(bytes: Uint8Array, definitions: Definitions): Opened {
  const carried = textsIn(bytes)
  if (carried === null && isOtherPicture(bytes)) throw new NothingCarried("picture")
  if (carried === null) return openText(new TextDecoder().decode(bytes), definitions)
  const workflow = objectIn(carried.texts.get("workflow"))
  if (workflow !== undefined) return openJson(workflow, definitions)
  const prompt = objectIn(carried.texts.get("prompt"))
  if (prompt !== undefined && isPrompt(prompt)) return openJson(prompt, definitions)
  throw new NothingCarried(carried.kind)
}

/** The object that a text holds; what follows its closing brace is padding. */
function objectIn(text: string | undefined): JsonObject | undefined {
  const start = text?.indexOf("{") ?? -1
  if (text === undefined || start < 0) return undefined
  try {
    const value = readJson(text.slice(start, text.lastIndexOf("}") + 1))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** JPEG, GIF, BMP and AVIF carry no texts that anybody writes workflows into. */
function isOtherPicture(bytes: Uint8Array): boolean {
  return /^(\xff\xd8\xff|GIF8|BM.{4}\0{4}|.{4}ftypavi[fs])/s.test(latin(bytes.subarray(0, 12)))
}

/** How many bytes of a file can carry anything, told by its first 16: models have a short header and much else. */
export function headerLength(head: Uint8Array): number | null {
  const reader = new Reader(head)
  return isSafetensors(latin(head)) ? 8 + reader.number(8, "the header", "little") : null
}
