/** What lists say of a job, in words. */

import type { FileItem, Job } from "~/run/run"
import type { App } from "~/state/app"
import { words } from "~/words/words"

/** The name of its workflow. */
export function nameOf({ name }: Job): string {
  return name ?? words.app.untitled
}

/** How large it is, with which seed, and who queued it where that was not this window. */
export function factsOf(app: App, { node_count: count, seed, client_id: client, user }: Job): string {
  const who = client === app.clientId ? null : user === undefined ? words.jobs.elsewhere : words.jobs.by(user)
  const facts = [count === undefined ? null : words.jobs.nodes(count), seed === undefined ? null : words.jobs.seed(seed), who]
  return facts.filter((each) => each !== null).join(" · ")
}

/** The time of a moment, with its day where that is not today. */
export function timeOf(moment: number, now = new Date()): string {
  const at = new Date(moment)
  const isToday = at.toDateString() === now.toDateString()
  return isToday ? at.toLocaleTimeString([], { timeStyle: "short" }) : at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })
}

/** The picture that stands for what it made. */
export function pictureOf({ preview_output: file }: Job): FileItem | undefined {
  if (file?.filename === undefined || file.type === undefined || file.mediaType !== "images") return undefined
  return { filename: file.filename, subfolder: file.subfolder ?? "", type: file.type }
}
