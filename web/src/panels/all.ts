/** Every panel, by the side on which it stands. */

import type { Panel } from "~/panels/panel"

const files = import.meta.glob<{ panel?: Panel }>(["./*.tsx", "!./sides.tsx"], { eager: true })

export const panels: readonly Panel[] = Object.values(files)
  .flatMap(({ panel }) => (panel === undefined ? [] : [panel]))
  .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
