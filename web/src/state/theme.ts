/** Light or dark: as the system asks, unless the user chose. */

const KEY = "heddle.theme"

export type Theme = "light" | "dark"

export function shownTheme(): Theme {
  const chosen = localStorage.getItem(KEY)
  if (chosen === "light" || chosen === "dark") return chosen
  return window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme)
  applyTheme()
}

/** Have the page show what was chosen. */
export function applyTheme(): void {
  document.documentElement.dataset["theme"] = shownTheme()
}
