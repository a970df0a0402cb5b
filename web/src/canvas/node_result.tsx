import { NodePictures } from "~/canvas/node_pictures"
import { isCollapsed, type Node } from "~/document/workflow"
import { runningJob, type NodeOutput } from "~/run/run"
import { filesIn } from "~/run/shown"
import { executionId } from "~/state/editor"
import { useEditor, useRun } from "~/state/use"
import { Player } from "~/widgets/player"
import { problemText } from "~/words/problem"
import { words } from "~/words/words"
import "~/canvas/node_result.css"

/** What a node shows of a run: how far it is, where it stands, what it made, what went wrong. */
export function NodeResult({ node }: { readonly node: Node }) {
  const id = useEditor((state) => executionId(state.path, node.id))
  const preview = useRun((state) => state.previews[id])
  const output = useRun((state) => state.outputs[id])
  const failure = useRun((state) => state.failures[id])
  const problems = useRun((state) => state.problems[id])
  const shown = new Set(isCollapsed(node) ? [] : node.inputs.map((each) => each.widget))
  const unplaced = problems?.errors.filter((each) => !shown.has(each.extra_info.input_name)) // the rest stand at their widgets
  return (
    <>
      <NodeProgressBar id={id} />
      {preview !== undefined && (
        <div className="node-pictures">
          <img className="node-picture" src={preview} alt={words.run.preview} />
        </div>
      )}
      {output !== undefined && <NodeFiles output={output} isWaiting={preview !== undefined} />}
      {output !== undefined && <NodeText text={output.text} />}
      {failure !== undefined && (
        <div className="node-error" role="alert">
          <p>{failure.message}</p>
          {failure.traceback.length > 0 && (
            <details className="nodrag nowheel">
              <summary>{words.run.traceback}</summary>
              <pre>{failure.traceback.join("")}</pre>
            </details>
          )}
        </div>
      )}
      {unplaced?.map((each, at) => (
        <p key={at} className="node-error" role="alert">
          {problemText(each)}
        </p>
      ))}
    </>
  )
}

function NodeProgressBar({ id }: { readonly id: string }) {
  const progress = useRun((state) => runningJob(state)?.nodes[id])
  if (progress?.state === "cached") return <p className="node-kept">{words.run.cached}</p>
  if (progress?.state !== "running") return null
  const { value, max } = progress
  const percent = Math.round((value / Math.max(max, 1)) * 100)
  return (
    <div className="node-progress">
      <progress aria-label={words.canvas.progress(percent)} max={1} {...(max > 1 ? { value: value / max } : {})} />
      {max > 1 && (
        <span>
          {value} / {max}
        </span>
      )}
    </div>
  )
}

/** What was made before: pictures make room for where the next one stands. */
function NodeFiles({ output, isWaiting }: { readonly output: NodeOutput; readonly isWaiting: boolean }) {
  const files = filesIn(output)
  const pictures = files.filter(({ medium }) => medium === "image").map(({ file }) => file)
  return (
    <>
      {pictures.length > 0 && !isWaiting && <NodePictures files={pictures} />}
      {files.map(({ file, medium }) => (medium === "image" ? null : <Player key={`${file.subfolder}/${file.filename}`} file={file} medium={medium} />))}
    </>
  )
}

function NodeText({ text }: { readonly text: unknown }) {
  const lines = (Array.isArray(text) ? text : [text]).filter((each): each is string => typeof each === "string")
  return lines.length === 0 ? null : <pre className="node-text nodrag nowheel">{lines.join("\n")}</pre>
}
