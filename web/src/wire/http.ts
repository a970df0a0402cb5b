/** What is asked of the server over HTTP. With socket.ts the only file that talks to it. */

import createClient, { type Client } from "openapi-fetch"
import { isList, isObject, readJson, textOf, writeJson, type Json, type JsonObject } from "~/document/json"
import type { Definitions } from "~/document/schema/definition"
import type { paths } from "~/wire/server.gen"
import type {
  FileItem, Job, JobStatus, PromptAccepted, PromptError, PromptRequest, QueueState, SystemStats, Uploaded, WholeJob,
} from "~/wire/types"

/** The server answered, but not with what was asked for; `status` 0: it did not answer. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly body?: unknown,
  ) {
    super(message)
  }
}

/** A prompt that the server took, or what it says is wrong with it. */
export type Answer =
  | { readonly accepted: true; readonly job: PromptAccepted }
  | { readonly accepted: false; readonly error: PromptError }

export interface Upload {
  readonly type?: "input" | "output" | "temp"
  readonly subfolder?: string
  readonly overwrite?: boolean
}

export interface UserFile {
  readonly path: string
  readonly size: number
  /** Milliseconds, as `Date` counts. */
  readonly modified: number
}

export class Server {
  /** The typed client, for what has no method here: `await server.said(server.api.GET("/api/models"))`. */
  readonly api: Client<paths>

  /** `base`: the address of the page, as `https://host/below/`. */
  constructor(readonly base: string) {
    this.api = createClient<paths>({
      baseUrl: base.replace(/\/$/, ""),
      bodySerializer: (body: unknown) => writeJson(body as Json),
      credentials: "same-origin",
    })
  }

  /** What a call answered. Throws ServerError for refusals, and where nobody answers. */
  async said<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
    const { data, error, response } = await call.catch((cause: unknown) => {
      throw new ServerError(`the server does not answer: ${String(cause)}`, 0)
    })
    if (!response.ok) throw new ServerError(reason(error, response), response.status, error)
    return data as T
  }

  async nodeTypes(): Promise<Definitions> {
    return (await this.said(this.api.GET("/api/object_info"))) as unknown as Definitions
  }

  async nodeType(type: string): Promise<Definitions> {
    const params = { path: { class: type } }
    return (await this.said(this.api.GET("/api/object_info/{class}", { params }))) as unknown as Definitions
  }

  /** Queue a prompt. Refusals with a cause are an answer, not an error. */
  async queue(order: PromptRequest): Promise<Answer> {
    const call = this.api.POST("/api/prompt", { body: order })
    const { data, error, response } = await call.catch((cause: unknown) => {
      throw new ServerError(`the server does not answer: ${String(cause)}`, 0)
    })
    if (data !== undefined) return { accepted: true, job: data }
    if (typeof error === "object" && "node_errors" in error) return { accepted: false, error }
    throw new ServerError(reason(error, response), response.status, error)
  }

  /** Jobs, the newest first. */
  async jobs(statuses: readonly JobStatus[], limit = 200, offset = 0): Promise<Job[]> {
    const query = { status: statuses.join(","), limit, offset }
    return (await this.said(this.api.GET("/api/jobs", { params: { query } }))).jobs
  }

  /** One job with its workflow, whose seeds are whole. */
  async job(id: string): Promise<WholeJob> {
    const call = this.api.GET("/api/jobs/{id}", { params: { path: { id } }, parseAs: "text" })
    return readJson(await this.said(call)) as unknown as WholeJob
  }

  /** The pictures that a job made, in the order of its nodes. */
  async pictures(id: string): Promise<FileItem[]> {
    const { outputs } = await this.said(this.api.GET("/api/jobs/{id}", { params: { path: { id } } }))
    return Object.values(outputs ?? {}).flatMap((each) => each.images ?? [])
  }

  /** What a job's prompt has of texts, one a line. */
  async promptTexts(id: string): Promise<string> {
    const { workflow } = await this.said(this.api.GET("/api/jobs/{id}", { params: { path: { id } } }))
    const inputs = Object.values(workflow.prompt).flatMap((node) => Object.values(node.inputs))
    return inputs.filter((each) => typeof each === "string").join("\n")
  }

  async cancel(id: string): Promise<void> {
    await this.said(this.api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } }))
  }

  /** Stop what runs, or one job if it runs. */
  async interrupt(id?: string): Promise<void> {
    await this.said(this.api.POST("/api/interrupt", { body: id === undefined ? {} : { prompt_id: id } }))
  }

  async clearQueue(): Promise<void> {
    await this.said(this.api.POST("/api/queue", { body: { clear: true } }))
  }

  /** Give a waiting job another turn: before all others, or by a number. */
  async move(id: string, to: { readonly front: true } | { readonly number: number }): Promise<void> {
    await this.said(this.api.POST("/api/queue/{id}/move", { params: { path: { id } }, body: to }))
  }

  async retry(id: string): Promise<void> {
    await this.said(this.api.POST("/api/queue/{id}/retry", { params: { path: { id } } }))
  }

  async queueState(): Promise<QueueState> {
    return this.said(this.api.GET("/api/queue/state"))
  }

  async pause(on: boolean): Promise<QueueState> {
    return this.said(on ? this.api.POST("/api/queue/pause") : this.api.POST("/api/queue/resume"))
  }

  /** The machine and its devices, with what holds their memory. */
  async systemStats(): Promise<SystemStats> {
    return this.said(this.api.GET("/api/system_stats"))
  }

  /** Have workers let go of models, and of kept results if asked, before their next job. */
  async free(results: boolean): Promise<void> {
    await this.said(this.api.POST("/api/free", { body: { unload_models: true, free_memory: results } }))
  }

  async forget(ids: readonly string[]): Promise<void> {
    await this.said(this.api.POST("/api/history", { body: { delete: [...ids] } }))
  }

  /** Keep a file on the server; what it is called there. */
  async upload(file: Blob, name: string, to: Upload = {}): Promise<Uploaded> {
    const form = new FormData()
    form.append("image", file, name)
    form.append("type", to.type ?? "input")
    form.append("subfolder", to.subfolder ?? "")
    form.append("overwrite", String(to.overwrite ?? false))
    const call = this.api.POST("/api/upload/image", { body: form as never, bodySerializer: (body: unknown) => body as FormData })
    return this.said(call)
  }

  /** Keep a picture whose colours are those of a file on the server, and whose alpha is that of the upload. */
  async uploadMask(mask: Blob, name: string, original: FileItem, to: Upload = {}): Promise<Uploaded> {
    const form = new FormData()
    form.append("image", mask, name)
    form.append("original_ref", JSON.stringify(original))
    form.append("type", to.type ?? "input")
    form.append("subfolder", to.subfolder ?? "")
    const call = this.api.POST("/api/upload/mask", { body: form as never, bodySerializer: (body: unknown) => body as FormData })
    return this.said(call)
  }

  /** The address of a file; `preview` asks for a smaller picture, as `webp;80`. */
  fileUrl(file: FileItem, preview?: string): string {
    const url = new URL("api/view", this.base)
    for (const key of ["filename", "subfolder", "type"] as const) url.searchParams.set(key, file[key])
    if (preview !== undefined) url.searchParams.set("preview", preview)
    return url.href
  }

  /** The address of a picture's colours, also of those that its transparency hides. */
  coloursUrl(file: FileItem): string {
    const url = new URL(this.fileUrl(file))
    url.searchParams.set("channel", "rgb")
    return url.href
  }

  /** The choices of a widget whose list is told at an address of this server. */
  async choices(remote: JsonObject): Promise<readonly Json[]> {
    const { route, query_params: params, response_key: key } = remote
    const url = new URL(textOf(route).replace(/^\//, ""), this.base)
    if (!url.href.startsWith(this.base)) throw new ServerError(`${url.host} is another server, which is not asked`, 0)
    for (const [name, value] of Object.entries(isObject(params) ? params : {})) url.searchParams.set(name, textOf(value))
    const response = await fetch(url, { credentials: "same-origin" })
    if (!response.ok) throw new ServerError(reason(undefined, response), response.status)
    const told = readJson(await response.text())
    const list = typeof key === "string" && isObject(told) ? told[key] : told
    return isList(list) ? list : []
  }

  /** The bytes of a file, with whatever its metadata carries. */
  async file(file: FileItem): Promise<Blob> {
    const response = await fetch(this.fileUrl(file), { credentials: "same-origin" })
    if (!response.ok) throw new ServerError(reason(undefined, response), response.status)
    return response.blob()
  }

  /** The user's files below a folder, relative to it; none where the folder is not there. */
  async userFiles(dir: string): Promise<UserFile[]> {
    const all = await this.said(this.api.GET("/api/v2/userdata"))
    return all.flatMap((each) => {
      if (each.type !== "file" || !each.path.startsWith(`${dir}/`)) return []
      return [{ path: each.path.slice(dir.length + 1), size: each.size, modified: each.modified * 1000 }]
    })
  }

  async readUserFile(file: string): Promise<string> {
    const call = this.api.GET("/api/userdata/{file}", { params: { path: { file } }, parseAs: "text" })
    return this.said(call)
  }

  /** Keep a text among the user's files. Throws ServerError 409 where one is there that may not be overwritten. */
  async writeUserFile(file: string, text: string, overwrite: boolean): Promise<void> {
    const params = { path: { file }, query: { overwrite: overwrite ? "true" : "false" } } as const
    const body = new Blob([text], { type: "application/octet-stream" })
    await this.said(
      this.api.POST("/api/userdata/{file}", { params, body: body as never, bodySerializer: (each: unknown) => each as Blob }),
    )
  }

  async deleteUserFile(file: string): Promise<void> {
    await this.said(this.api.DELETE("/api/userdata/{file}", { params: { path: { file } } }))
  }

  /** Give a user's file another name. Throws ServerError 409 where that is taken. */
  async moveUserFile(file: string, dest: string): Promise<void> {
    const params = { path: { file, dest }, query: { overwrite: "false" } } as const
    await this.said(this.api.POST("/api/userdata/{file}/move/{dest}", { params }))
  }

  /** The names of example workflows, by the pack that brings them. */
  async templates(): Promise<Readonly<Record<string, readonly string[]>>> {
    return this.said(this.api.GET("/api/workflow_templates"))
  }

  async readTemplate(pack: string, name: string): Promise<string> {
    const params = { path: { pack, name: `${name}.json` } }
    return this.said<unknown>(this.api.GET("/api/workflow_templates/{pack}/{name}", { params, parseAs: "text" })) as Promise<string>
  }

  /** The address of a template's picture. */
  templatePicture(pack: string, name: string): string {
    return new URL(`api/workflow_templates/${encodeURIComponent(pack)}/${encodeURIComponent(name)}.jpg`, this.base).href
  }

  async settings(): Promise<JsonObject> {
    return this.said<unknown>(this.api.GET("/api/settings")) as Promise<JsonObject>
  }

  async setSetting(id: string, to: Json): Promise<void> {
    await this.said(this.api.POST("/api/settings/{id}", { params: { path: { id } }, body: to as never }))
  }
}

function reason(error: unknown, response: Response): string {
  const said = typeof error === "object" && error !== null && "error" in error ? error.error : error
  if (typeof said === "string" && said !== "") return said
  if (typeof said === "object" && said !== null && "message" in said) return String(said.message)
  return `the server answered ${String(response.status)} ${response.statusText}`
}
