import { panels } from "~/panels/all"
import type { Panel } from "~/panels/panel"
import { useShell } from "~/state/use"
import { words } from "~/words/words"
import "./panels.css"

/** The panels of one side that are open. */
export function Side({ side }: { readonly side: Panel["side"] }) {
  const open = useShell((state) => state.panels)
  const shown = panels.filter((each) => each.side === side && (side === "bar" || open.has(each.name)))
  return shown.map(({ name, draw: Draw }) => (
    <section key={name} className={`panel panel-${side} panel-${name}`} aria-label={titleOf(name)}>
      <Draw />
    </section>
  ))
}

function titleOf(name: string): string {
  return (words.panels as Readonly<Record<string, string>>)[name] ?? name
}
