import type { LucideIcon } from "lucide-react"
import { commands, doCommand, shortcutOf } from "~/commands/all"
import { useApp } from "~/state/use"
import { words } from "~/words/words"
import "~/panels/tool.css"

interface Props {
  /** The command that it does. */
  readonly name: keyof typeof words.commands
  readonly icon: LucideIcon
  /** What it is called, where not as its command. */
  readonly label?: string
  /** Whether its name stands beside its sign, where there is room. */
  readonly isNamed?: boolean
  readonly isPressed?: boolean
  readonly isDisabled?: boolean
  readonly className?: string
  readonly role?: string
  /** Called before the command is done: a menu closes. */
  readonly onBefore?: () => void
  /** Stands behind its name. */
  readonly children?: React.ReactNode
}

/** A button with a sign that does a command; its tip names the keys that do it too. */
export function Tool({ name, icon: Icon, label = words.commands[name], isNamed = false, isPressed, isDisabled = false, className = "", role, onBefore, children }: Props) {
  const app = useApp()
  const keys = shortcutOf(name)
  return (
    <button
      className={`tool ${className}`}
      role={role}
      title={keys === "" ? words.commands[name] : `${words.commands[name]} (${keys})`}
      aria-keyshortcuts={keys === "" ? undefined : commands.get(name)?.keys?.[0]?.replace("Mod", "Control")}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={() => {
        onBefore?.()
        void doCommand(app, name)
      }}
    >
      <Icon aria-hidden />
      <span className={isNamed ? "tool-name" : "hidden"}>{label}</span>
      {children}
    </button>
  )
}
