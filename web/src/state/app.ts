/** Everything that is shared by what stands on the page: made in main.tsx, handed down by a React context. */

import { createStore, type StoreApi } from "zustand/vanilla"
import type { Definitions } from "~/document/schema/definition"
import type { Place } from "~/document/schema/node_layout"
import { View } from "~/state/view"
