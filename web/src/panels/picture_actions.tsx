import { openPicture } from "~/panels/open_picture"
import type { FileItem } from "~/run/run"
import { useApp } from "~/state/use"
import { words } from "~/words/words"

/** What can be done with a picture that was made. */
export function PictureActions({ file }: { readonly file: FileItem }) {
  const app = useApp()
  const act = (doing: () => Promise<void>) => () => {
    doing().catch((error: unknown) => {
      app.tell("error", error instanceof Error ? error.message : String(error))
    })
  }
  return (
    <>
      <button onClick={act(() => openPicture(app, file))}>{words.gallery.workflow}</button>
      <button
        onClick={act(async () => {
          const picture = await app.server.file(file)
          await navigator.clipboard.write([new ClipboardItem({ [picture.type]: picture })])
          app.tell("info", words.gallery.copied(file.filename))
        })}
      >
        {words.gallery.copy}
      </button>
      <a href={app.server.fileUrl(file)} download={file.filename}>
        {words.gallery.download}
      </a>
    </>
  )
}
