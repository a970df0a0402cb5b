import type { Panel } from "~/panels/panel"
import { useApp, useShell } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "notices", side: "bar", order: 100, draw: Notices }

function Notices() {
  const app = useApp()
  const notices = useShell((state) => state.notices)
  return (
    <ul role="log" aria-live="polite">
      {notices.map(({ id, kind, text }) => (
        <li key={id} className={kind}>
          {text}
          <button
            aria-label={words.notices.dismiss}
            onClick={() => {
              app.dismiss(id)
            }}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  )
}
