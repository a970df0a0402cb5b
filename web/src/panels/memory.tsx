import { useEffect, useState } from "react"
import type { Panel } from "~/panels/panel"
import { memories, type Memory as Device, type Row } from "~/run/memory"
import { useApp } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/memory.css"

export const panel: Panel = { name: "memory", side: "right", order: 3, draw: Memory }

const PAUSE = 1000 // milliseconds between looks, while it is open

/** What holds the memory of each device, as it is now, and what to have it let go. */
function Memory() {
  const app = useApp()
  const held = useMemories()
  const letGo = (results: boolean) => {
    app.server.free(results).catch((error: unknown) => {
      app.tell("error", error instanceof Error ? error.message : String(error))
    })
  }
  return (
    <>
      <h2>{words.panels.memory}</h2>
      {held?.length === 0 && <p>{words.memory.none}</p>}
      {held?.map((each) => (
        <Bar key={`${each.worker} ${each.device ?? ""}`} memory={each} />
      ))}
      <div className="memory-acts">
        <button
          onClick={() => {
            letGo(false)
          }}
        >
          {words.memory.letGo}
        </button>
        <button
          onClick={() => {
            letGo(true)
          }}
        >
          {words.memory.letAllGo}
        </button>
      </div>
      <p className="memory-hint">{words.memory.hint}</p>
    </>
  )
}

function Bar({ memory }: { readonly memory: Device }) {
  const { size, kinds } = words.memory
  const name = memory.device ?? words.memory.ram(memory.worker)
  const told = memory.parts.map(([kind, bytes]) => words.memory.part(kinds[kind], size(bytes))).join(", ")
  return (
    <section className="memory" aria-label={name}>
      <h3>{name}</h3>
      <div className="memory-bar" role="img" aria-label={words.memory.bar(name, told)}>
        {memory.parts.map(([kind, bytes]) => (
          <span key={kind} className={`memory-${kind}`} style={{ width: share(bytes, memory.total) }} title={words.memory.part(kinds[kind], size(bytes))} />
        ))}
        {memory.budget !== null && memory.budget < memory.total && (
          <span className="memory-budget" style={{ left: share(memory.budget, memory.total) }} title={words.memory.budget} />
        )}
      </div>
      <p>
        {words.memory.held(size(memory.held), memory.budget === null ? null : size(memory.budget))} · {words.memory.free(size(memory.free), size(memory.total))}
      </p>
      <ul>
        {memory.rows.map((row, at) => (
          <Line key={`${row.kind} ${row.what ?? ""} ${at}`} row={row} />
        ))}
      </ul>
    </section>
  )
}

function Line({ row }: { readonly row: Row }) {
  const { size, of, kinds } = words.memory
  const name = row.what ?? kinds[row.kind]
  return (
    <li>
      <span className={`memory-sign memory-${row.kind}`} aria-hidden />
      <span className="memory-name" title={name}>
        {name}
      </span>
      <span className="memory-size">{row.near < row.whole ? of(size(row.near), size(row.whole)) : size(row.near)}</span>
    </li>
  )
}

function share(part: number, whole: number): string {
  return `${(100 * part) / Math.max(whole, 1)}%`
}

/** What the server tells of its devices, asked for again and again while somebody looks; null before its first answer. */
function useMemories(): readonly Device[] | null {
  const app = useApp()
  const [held, setHeld] = useState<readonly Device[] | null>(null)
  useEffect(() => {
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async () => {
      const told = document.hidden ? null : await app.server.systemStats().catch(() => null) // the bar says that it does not answer
      if (isOver) return
      if (told !== null) setHeld(memories(told))
      timer = setTimeout(() => void look(), PAUSE)
    }
    void look()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [app])
  return held
}
