import { executionId } from "~/state/editor"
import { useEditor, useRun } from "~/state/use"
import { problemText } from "~/words/problem"

/** What the server found wrong with an input of a node. */
export function InputProblems({ node, input }: { readonly node: string; readonly input: string }) {
  const id = useEditor((state) => executionId(state.path, node))
  const problems = useRun((state) => state.problems[id])
  const found = problems?.errors.filter((each) => each.extra_info.input_name === input) ?? []
  return found.map((each, at) => (
    <p key={at} className="widget-error" role="alert">
      {problemText(each)}
    </p>
  ))
}
