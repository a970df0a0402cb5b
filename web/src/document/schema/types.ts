/** Which socket types fit together. */

import { ANY } from "~/document/workflow"

/** Whether two slot types can be joined: any type, the same type, or one type in common. */
export function areCompatible(a: string, b: string): boolean {
  if (a === ANY || b === ANY) return true
  if (a === b) return true
  const parts = new Set(partsOf(a))
  return partsOf(b).some((part) => parts.has(part))
}

function partsOf(type: string): string[] {
  return type.split(",").map((part) => part.trim().toLowerCase())
}
