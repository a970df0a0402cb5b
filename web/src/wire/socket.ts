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

  /** Note how far we are. The first messages of a connection carry the newest number before what was missed. */
  function take(message: SocketMessage): void {
    const number = "seq" in message ? message.seq : undefined
    const isGreeting = message.type === "status" || message.type === "missed"
    if (number !== undefined && !isGreeting) {
      if (number <= seen) return
      seen = number
    }
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
