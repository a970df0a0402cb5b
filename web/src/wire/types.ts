/** The server's words, from its OpenAPI document. */

import type { components } from "~/wire/server.gen"

type Schemas = components["schemas"]

export type Device = Schemas["Device"]
export type FileItem = Schemas["FileItem"]
export type Job = Schemas["Job"]
export type JobPage = Schemas["JobPage"]
export type JobStatus = Schemas["JobStatus"]
export type NodeErrors = Schemas["NodeErrors"]
export type NodeOutput = Schemas["NodeOutput"]
export type PreviewPlace = Schemas["PreviewPlace"]
export type Problem = Schemas["Problem"]
export type PromptError = Schemas["PromptError"]
export type PromptRequest = Schemas["PromptRequest"]
export type PromptAccepted = Schemas["PromptAccepted"]
export type QueueState = Schemas["QueueState"]
export type Share = Schemas["Share"]
export type SocketMessage = Schemas["SocketMessage"]
export type SystemStats = Schemas["SystemStats"]
export type Uploaded = Schemas["Uploaded"]
export type WholeJob = Schemas["WholeJob"]
