import { useId, useLayoutEffect, useRef, type ReactNode } from "react"
import { words } from "~/words/words"

export interface DialogProps {
  readonly title: string
  readonly className?: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** A dialog over the page: it holds the focus, and Escape closes it. */
export function Dialog({ title, className = "", onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const isMounted = useRef(false)
  useLayoutEffect(() => {
    const shown = box.current
    isMounted.current = true
    shown?.showModal()
    return () => {
      isMounted.current = false
      shown?.close() // while it is still on the page, so that the focus goes back to where it was
    }
  }, [])
  return (
    <dialog
      ref={box}
      className={`dialog ${className}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClose={() => {
        if (!isMounted.current) return
        box.current?.showModal() // browsers close at the second Escape without asking
        onClose()
      }}
      onKeyDown={(event) => {
        event.stopPropagation() // keys typed here are not the canvas'
      }}
      onPointerDown={(event) => {
        if (event.target === box.current) onClose()
      }}
    >
      <div className="dialog-inside">
        <header>
          <h2 id={heading}>{title}</h2>
          <button className="plain" aria-label={words.files.close_panel} onClick={onClose}>
            ×
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
