import { linkInto } from "~/document/links"
import { ownerOf } from "~/document/names"
import { shownGraph } from "~/state/editor"
import { useApp, useEditor } from "~/state/use"
import { words } from "~/words/words"

/** What a linked widget gets its value from, in the place of the field. */
export function FedBy({ node, input }: { readonly node: string; readonly input: string }) {
  const app = useApp()
  const from = useEditor((state) => {
    const link = linkInto(shownGraph(state), node, input)
    return link === undefined ? "" : ownerOf(app.place, link.from.node)
  })
  return <em className="node-fed">{words.canvas.fedBy(from)}</em>
}
