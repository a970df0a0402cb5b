import type { Command } from "~/commands/command"
import { chooseTheme, shownTheme } from "~/state/theme"

export const command: Command = {
  name: "theme",
  do: () => {
    chooseTheme(shownTheme() === "dark" ? "light" : "dark")
  },
}
