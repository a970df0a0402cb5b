import { useApp } from "~/state/use"
import { mayMove } from "~/document/media"
import type { FileItem } from "~/run/run"
import { words } from "~/words/words"

/** What a node made; a click shows it large. */
export function NodePictures({ files }: { readonly files: readonly FileItem[] }) {
  const app = useApp()
  return (
    <div className="node-pictures" style={{ "--columns": Math.min(4, Math.ceil(Math.sqrt(files.length))) } as React.CSSProperties}>
      {files.map((file, at) => (
        <button
          key={`${file.subfolder}/${file.filename}`}
          className="node-picture-button nodrag"
          aria-label={words.gallery.open(file.filename)}
          onClick={() => {
            app.look(files, at)
          }}
        >
          <img className="node-picture" src={app.server.fileUrl(file, mayMove(file.filename) ? undefined : "webp;80")} alt="" loading="lazy" />
        </button>
      ))}
    </div>
  )
}
