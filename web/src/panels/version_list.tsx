import { useEffect, useState } from "react"
import { useApp } from "~/state/use"
import { openVersion, versionsOf, type Version } from "~/state/versions"
import { words } from "~/words/words"

export interface VersionListProps {
  readonly name: string
  readonly onOpen: () => void
}

/** The earlier states of a saved workflow; each opens in a tab of its own. */
export function VersionList({ name, onOpen }: VersionListProps) {
  const app = useApp()
  const [versions, setVersions] = useState<readonly Version[] | null>(null)
  useEffect(() => {
    versionsOf(app, name).then(setVersions, (error: unknown) => {
      app.tell("error", String(error))
    })
  }, [app, name])
  if (versions?.length === 0) return <p>{words.files.noVersions}</p>
  return (
    <ol className="versions">
      {versions?.map((version) => {
        const at = version.at.toLocaleString()
        return (
          <li key={version.path}>
            <button
              className="plain"
              aria-label={words.files.openVersion(name, at)}
              onClick={() => {
                openVersion(app, version, words.files.versionName(name, at)).then(onOpen, (error: unknown) => {
                  app.tell("error", String(error))
                })
              }}
            >
              {at}
            </button>
          </li>
        )
      })}
    </ol>
  )
}
