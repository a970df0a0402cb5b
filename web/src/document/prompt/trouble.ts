/** What keeps a workflow from being read, or from becoming a prompt. */

/** The text says which part of the workflow is wrong, and why. */
export class WorkflowError extends Error {}

/** A node whose type is not installed; `node` is its execution id. */
export interface MissingType {
  readonly node: string
  readonly type: string
  readonly pack?: string | undefined
  readonly version?: string | undefined
}

/** Nodes that the result needs are of types that are not installed. */
export class MissingTypes extends WorkflowError {
  constructor(readonly missing: readonly MissingType[]) {
    const listed = missing.map((each) => `${each.type} ${packOf(each)} (node ${each.node})`).join(", ")
    super(`These node types are not installed: ${listed}. Install their packs, or mute the nodes.`)
  }
}

function packOf({ pack, version }: MissingType): string {
  return pack === undefined ? "of an unnamed pack" : ["of", pack, version].filter((each) => each !== undefined).join(" ")
}
