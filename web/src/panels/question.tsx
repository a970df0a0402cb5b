import { useState } from "react"
import { Dialog } from "~/panels/dialog"
import type { Panel } from "~/panels/panel"
import type { AppState } from "~/state/app"
import { useShell } from "~/state/use"

export const panel: Panel = { name: "question", side: "bar", order: 110, draw: QuestionPanel }

/** What the user is asked, if anything. */
function QuestionPanel() {
  const question = useShell((state) => state.question)
  return question === null ? null : <Asking key={question.title + (question.text ?? "")} question={question} />
}

function Asking({ question }: { readonly question: NonNullable<AppState["question"]> }) {
  const [text, setText] = useState(question.field?.value ?? "")
  const close = (): void => {
    question.answer(null)
  }
  return (
    <Dialog title={question.title} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          question.answer({ choice: question.choices[0]?.name ?? "", text })
        }}
      >
        {question.text !== undefined && <p role="status">{question.text}</p>}
        {question.field !== undefined && (
          <label className="field">
            {question.field.label}
            <input
              autoFocus
              value={text}
              onChange={(event) => {
                setText(event.target.value)
              }}
              onFocus={(event) => {
                event.target.select()
              }}
            />
          </label>
        )}
        <div className="dialog-choices">
          {question.choices.map(({ name, word }, at) => (
            <button
              key={name}
              type={at === 0 ? "submit" : "button"}
              className={at === 0 ? "primary" : ""}
              onClick={
                at === 0
                  ? undefined
                  : () => {
                      question.answer({ choice: name, text })
                    }
              }
            >
              {word}
            </button>
          ))}
        </div>
      </form>
    </Dialog>
  )
}
