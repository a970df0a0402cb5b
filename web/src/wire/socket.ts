/** The websocket: opens again by itself, and asks for what was said in between. */

import { readFrame, type Frame } from "~/wire/frames"
import type { SocketMessage } from "~/wire/types"

export interface Listener {
  /** A message; each once, in order, over however many connections. */
  message(message: SocketMessage): void
  frame(frame: Frame): void
  /** The connection is there, or gone. */
  online(is: boolean): void
}

export interface Line {
  /** How the server calls this client; what is queued under it is told here. */
  readonly clientId: string
  close(): void
}

const FIRST_WAIT = 250
const LONGEST_WAIT = 5_000

/** Open a websocket below an address, and keep it open until it is closed. */
export function openSocket(base: string, clientId: string, listener: Listener): Line {
  let seen = 0 // nothing is as old: the server begins with what is kept of this client's
  let wait = FIRST_WAIT
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let closed = false

  function connect(): void {
    const url = new URL("api/ws", base)
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:"
    url.searchParams.set("clientId", clientId)
    url.searchParams.set("since", String(seen))
    const opened = new WebSocket(url)
    socket = opened
    opened.binaryType = "arraybuffer"
    opened.onopen = () => {
      wait = FIRST_WAIT
      opened.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }))
      listener.online(true)
    }
    opened.onmessage = (event: MessageEvent<unknown>) => {
      if (socket !== opened) return
      if (event.data instanceof ArrayBuffer) {
        const frame = readFrame(event.data)
        if (frame !== null) listener.frame(frame)
      } else {
        take(JSON.parse(String(event.data)) as SocketMessage)
      }
    }
    opened.onclose = () => {
      if (closed || socket !== opened) return
      listener.online(false)
      timer = setTimeout(connect, wait)
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  }

  /** Note how far we are, and hand the message on. */
  function take(message: SocketMessage): void {
    seen = Math.max(seen, keptNumber(message))
    listener.message(message)
  }

  const again = () => {
    if (timer === undefined || socket?.readyState === WebSocket.OPEN) return
    clearTimeout(timer)
    timer = undefined
    connect()
  }
  globalThis.addEventListener("online", again)
  connect()
  return {
    clientId,
    close() {
      closed = true
      clearTimeout(timer)
      globalThis.removeEventListener("online", again)
      socket?.close()
    },
  }
}

const NOT_KEPT = new Set(["status", "missed", "feature_flags", "logs", "progress", "progress_state"])

/**
 * The number of a message that the server keeps, else 0. What a connection begins with has the newest number, though
 * what was missed comes after it: that must not count, or the rest would be lost where the connection breaks in between.
 */
export function keptNumber(message: SocketMessage): number {
  if (NOT_KEPT.has(message.type) || !("seq" in message)) return 0
  const isGreeting = message.type === "executing" && message.data.prompt_id === undefined
  return isGreeting ? 0 : (message.seq ?? 0)
}
