import { useRef } from "react"
import { useApp, useView } from "~/state/use"
import { words } from "~/words/words"

interface Props {
  readonly id: string
  readonly text: string
  readonly onRename: (text: string) => void
}

/** A title; a double click or F2 lets it be typed. */
export function Title({ id, text, onRename }: Props) {
  const { view } = useApp()
  const isTyped = useView((state) => state.renamed === id)
  const isLeft = useRef(false)
  if (!isTyped) {
    return (
      <span
        id={`title-${id}`}
        className="title"
        onDoubleClick={() => {
          isLeft.current = false
          view.set({ renamed: id })
        }}
      >
        {text}
      </span>
    )
  }
  const end = (typed: string | null, byKey = false) => {
    if (isLeft.current) return
    isLeft.current = true
    view.set({ renamed: null })
    if (byKey) view.camera?.focus(id)
    if (typed !== null && typed !== text) onRename(typed)
  }
  return (
    <input
      className="title nodrag"
      autoFocus
      aria-label={words.canvas.rename}
      defaultValue={text}
      onFocus={(event) => {
        isLeft.current = false
        event.target.select()
      }}
      onBlur={(event) => {
        end(event.target.value)
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") end(event.currentTarget.value, true)
        else if (event.key === "Escape") end(null, true)
        else return
        event.stopPropagation()
      }}
    />
  )
}
