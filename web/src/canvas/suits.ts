import { areCompatible } from "~/document/schema/types"
import { useView } from "~/state/use"

/** How a socket looks while a link is in hand: whether it could end there by its type. */
export function useSuits(node: string, side: "source" | "target", type: string): "" | "suits" | "suits-not" {
  return useView(({ dragged }) => {
    if (dragged === null) return ""
    const held = "from" in dragged.end ? { side: "source", ...dragged.end.from } : { side: "target", ...dragged.end.to }
    if (held.side === side) return held.node === node && dragged.type === type ? "" : "suits-not"
    return held.node !== node && areCompatible(dragged.type, type) ? "suits" : "suits-not"
  })
}
