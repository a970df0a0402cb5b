import { executionId } from "~/state/editor"
import { useApp, useEditor, useRun } from "~/state/use"
import { words } from "~/words/words"

/** What a node shows of a run: how far it is, where it stands, what it made, what went wrong. */
export function NodeResult({ id: node }: { readonly id: string }) {
  const app = useApp()
  const id = useEditor((state) => executionId(state.path, node))
  const progress = useRun((state) => state.running?.nodes[id])
  const preview = useRun((state) => state.previews[id])
  const output = useRun((state) => state.outputs[id])
  const failure = useRun((state) => state.failures[id])
  const problems = useRun((state) => state.problems[id])
  const part = progress?.state === "running" ? progress.value / Math.max(progress.max, 1) : null
  return (
    <>
      {part !== null && <progress className="node-progress" aria-label={words.canvas.progress(Math.round(part * 100))} value={part} max={1} />}
      {preview !== undefined && <img className="node-picture" src={preview} alt="" />}
      {preview === undefined &&
        output?.images?.map((file) => (
          <img key={file.filename} className="node-picture" src={app.server.fileUrl(file, "webp;80")} alt={file.filename} />
        ))}
      {failure !== undefined && <p className="node-error">{failure.message}</p>}
      {problems?.errors.map((each, at) => (
        <p key={at} className="node-error">
          {each.message}: {each.details}
        </p>
      ))}
    </>
  )
}
