import { useMemo, useState } from "react"
import { absentIn, likest, type Absent, type AbsentValue } from "~/document/absent"
import { batch } from "~/document/change"
import { textOf } from "~/document/json"
import { Dialog } from "~/panels/dialog"
import type { Panel } from "~/panels/panel"
import { useApp, useShell, useTab } from "~/state/use"
import { words } from "~/words/words"

export const panel: Panel = { name: "absent", side: "bar", order: 105, draw: AbsentPanel }

/** Told once for each workflow that is opened: what it names that is not here, and what is there instead. */
function AbsentPanel() {
  const tab = useTab()
  const definitions = useShell((state) => state.definitions)
  const [told, setTold] = useState<ReadonlySet<string>>(new Set())
  const absent = useMemo(() => absentIn(tab.editor.workflow, definitions), [tab, definitions])
  const isReady = Object.keys(definitions).length > 0
  if (!isReady || told.has(tab.id) || absent.types.length + absent.values.length === 0) return null
  return (
    <Telling
      key={tab.id}
      absent={absent}
      onClose={() => {
        setTold(new Set([...told, tab.id]))
      }}
    />
  )
}

function keyOf({ graph, node, key }: AbsentValue): string {
  return [graph, node, key].join(" ")
}

function Telling({ absent, onClose }: { readonly absent: Absent; readonly onClose: () => void }) {
  const app = useApp()
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(
    () => new Map(absent.values.map((each) => [keyOf(each), textOf(likest(each.value, each.choices))])),
  )
  const use = (): void => {
    const changes = absent.values.flatMap((each) => {
      const to = each.choices.find((choice) => textOf(choice) === chosen.get(keyOf(each)))
      return to === undefined || to === "" ? [] : [{ type: "set-widget", graph: each.graph, id: each.node, key: each.key, to } as const]
    })
    if (changes.length > 0) app.editor.edit(batch(...changes))
    onClose()
  }
  return (
    <Dialog title={words.absent.title} onClose={onClose}>
      {absent.types.length > 0 && (
        <>
          <p>{words.absent.types}</p>
          <ul>
            {absent.types.map((type) => (
              <li key={type}>
                <code>{type}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {absent.values.length > 0 && <p>{words.absent.values}</p>}
      {absent.values.map((each) => (
        <label key={keyOf(each)} className="field absent-value">
          <span>
            {words.absent.where(each.title, each.input)}: <code>{each.value}</code>
          </span>
          {each.choices.length === 0 ? (
            <em>{words.absent.nothing}</em>
          ) : (
            <select
              value={chosen.get(keyOf(each))}
              onChange={(event) => {
                setChosen(new Map([...chosen, [keyOf(each), event.target.value]]))
              }}
            >
              <option value="">{words.absent.keep}</option>
              {each.choices.map((choice) => (
                <option key={textOf(choice)}>{textOf(choice)}</option>
              ))}
            </select>
          )}
        </label>
      ))}
      <div className="dialog-choices">
        {absent.values.length > 0 && (
          <button className="primary" onClick={use}>
            {words.absent.use}
          </button>
        )}
        <button onClick={onClose}>{words.absent.later}</button>
      </div>
    </Dialog>
  )
}
