import { Title } from "~/canvas/title"
import { retitle } from "~/document/edits/boundary_names"
import { collapseNodes } from "~/document/edits/nodes"
import { BYPASSED, isCollapsed, MUTED, type Node } from "~/document/workflow"
import { useApp, useDefinition } from "~/state/use"
import { words } from "~/words/words"

/** The title of a node, with the button that folds it. */
export function NodeHeader({ node, title, isHost }: { readonly node: Node; readonly title: string; readonly isHost: boolean }) {
  const { editor } = useApp()
  const description = useDefinition(node.type)?.description
  const folded = isCollapsed(node)
  const state = node.mode === MUTED ? words.canvas.muted : node.mode === BYPASSED ? words.canvas.bypassed : undefined
  return (
    <header title={description || undefined} style={node.color === undefined ? {} : { background: node.color, color: "#fff" }}>
      <button
        className="fold nodrag"
        aria-expanded={!folded}
        aria-label={folded ? words.canvas.unfold(title) : words.canvas.fold(title)}
        onClick={() => {
          editor.edit(collapseNodes(editor.graph, [node.id], !folded))
        }}
      >
        {folded ? "▸" : "▾"}
      </button>
      <Title
        id={node.id}
        text={title}
        onRename={(text) => {
          editor.edit(retitle(editor.workflow, editor.graph, node, text))
        }}
      />
      {state !== undefined && <small>{state}</small>}
      {isHost && (
        <button
          className="enter nodrag"
          title={words.commands.enter}
          aria-label={words.commands.enter}
          onClick={() => {
            editor.enter(node.id)
          }}
        >
          ⤢
        </button>
      )}
    </header>
  )
}
