import { Title } from "~/canvas/title"
import { renameSubgraph } from "~/document/edits/boundary_names"
import { useApp, useEditor, useGraph } from "~/state/use"
import { graphsAlong } from "~/state/editor"
import { words } from "~/words/words"

/** Which subgraph is shown, and those around it; a double click renames it. */
export function Path() {
  const { editor } = useApp()
  const names = useEditor((state) => graphsAlong(state).map((each) => each.name).join("\n"))
  const graph = useGraph()
  const around = names.split("\n").slice(0, -1)
  if (around.length === 0) return null
  return (
    <nav className="path" aria-label={words.canvas.path}>
      {around.map((name, depth) => (
        <span key={depth}>
          <button
            onClick={() => {
              editor.leave(depth)
            }}
          >
            {depth === 0 ? words.canvas.root : name}
          </button>
          ›
        </span>
      ))}
      <strong title={words.canvas.renameHint}>
        <Title
          id={`graph:${graph.id}`}
          text={graph.name}
          onRename={(name) => {
            if (name !== "") editor.edit(renameSubgraph(graph.id, name))
          }}
        />
      </strong>
    </nav>
  )
}
