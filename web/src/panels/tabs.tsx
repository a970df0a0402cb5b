import { useStore } from "zustand"
import { closeTab } from "~/commands/closing"
import { FileMenu } from "~/panels/file_menu"
import type { Panel } from "~/panels/panel"
import { TabRun } from "~/panels/tab_run"
import type { Tab } from "~/state/app"
import { isChanged } from "~/state/editor"
import { useApp, useShell } from "~/state/use"
import { words } from "~/words/words"
import "./files.css"

export const panel: Panel = { name: "tabs", side: "bar", order: -10, draw: Tabs }

/** The workflows that are open, and what can be done with their files. */
function Tabs() {
  const app = useApp()
  const tabs = useShell((state) => state.tabs)
  const active = useShell((state) => state.active)
  return (
    <>
      <FileMenu />
      <ul className="tabs">
        {tabs.map((tab) => (
          <TabView key={tab.id} tab={tab} isShown={tab.id === active} />
        ))}
      </ul>
      <button
        className="plain"
        aria-label={words.commands.new}
        title={words.commands.new}
        onClick={() => {
          app.openEmpty()
        }}
      >
        +
      </button>
    </>
  )
}

function TabView({ tab, isShown }: { readonly tab: Tab; readonly isShown: boolean }) {
  const app = useApp()
  const changed = useStore(tab.editor.store, isChanged)
  const name = tab.name === "" ? words.app.untitled : tab.name
  return (
    <li className={isShown ? "shown" : ""}>
      <button
        className="tab-name"
        aria-current={isShown ? "page" : undefined}
        aria-label={words.files.tab(name, changed)}
        title={name}
        onClick={() => {
          app.show(tab.id)
        }}
      >
        {name}
        {changed && <span className="tab-changed">•</span>}
      </button>
      <TabRun tab={tab} />
      <button className="plain" aria-label={words.files.close(name)} onClick={() => void closeTab(app, tab)}>
        ×
      </button>
    </li>
  )
}
