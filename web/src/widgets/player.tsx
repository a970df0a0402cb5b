import type { Medium } from "~/document/media"
import type { FileItem } from "~/run/run"
import { useApp } from "~/state/use"
import { words } from "~/words/words"
import "~/widgets/player.css"

/** A film or a sound that can be played; any other file can be taken along. */
export function Player({ file, medium }: { readonly file: FileItem; readonly medium: Medium }) {
  const { server } = useApp()
  const url = server.fileUrl(file)
  if (medium === "video") return <video className="player nodrag" src={url} controls loop playsInline preload="metadata" aria-label={file.filename} />
  if (medium === "audio") return <audio className="player nodrag" src={url} controls preload="metadata" aria-label={file.filename} />
  return (
    <a className="player-file nodrag" href={url} download={file.filename}>
      {words.widgets.download(file.filename)}
    </a>
  )
}
