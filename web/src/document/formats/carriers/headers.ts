/** Texts in GLB meshes, and in the headers of safetensors files, of which latents are a kind. */

import { textsOf, utf8, type Reader, type Texts } from "~/document/formats/carriers/reader"
import { isObject, readJson, type JsonObject } from "~/document/json"
import { WorkflowError } from "~/document/prompt/trouble"

/** The object `asset.extras` of the JSON chunk, which comes first. */
export function glbTexts(reader: Reader): Texts {
  reader.skip(12)
  const length = reader.number(4, "the JSON chunk", "little")
  reader.skip(4)
  const asset = header(reader.take(length, "the JSON chunk"))["asset"]
  return textsOf(isObject(asset) ? asset["extras"] : undefined)
}

/** The metadata of the header; the tensors stay unread. */
export function safetensorsTexts(reader: Reader): Texts {
  const length = reader.number(8, "the header", "little")
  return textsOf(header(reader.take(length, "the header"))["__metadata__"])
}

function header(bytes: Uint8Array): JsonObject {
  try {
    const value = readJson(utf8(bytes))
    return isObject(value) ? value : {}
  } catch (error) {
    throw new WorkflowError(`The header of the file is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
