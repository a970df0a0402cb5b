/** What the canvas shows besides the document: the palette, what is dragged, where the camera stands. None of it is saved. */

import { createStore, type StoreApi } from "zustand/vanilla"
import type { LooseEnd } from "~/document/edits/add"
import type { NodeId, Point, Size } from "~/document/workflow"
import type { Masking } from "~/state/masking"

/** A search for a node to add: at a point of the graph, and to what it is to be linked. */
export interface PaletteAsked {
  readonly at: Point
  readonly end?: LooseEnd | undefined
  /** Whether the node is moved down to where it covers no other, as nobody pointed at the place. */
  readonly findsRoom?: boolean
}

/** A link under the pointer's hand. */
export interface DraggedEnd {
  readonly end: LooseEnd
  readonly type: string
}

export interface ViewState {
  readonly palette: PaletteAsked | null
  readonly dragged: DraggedEnd | null
  /** The node whose sockets are linked by a list. */
  readonly linked: NodeId | null
  /** The link that a dragged node would be put into. */
  readonly dropLink: string | null
  /** The node or group whose title is typed. */
  readonly renamed: string | null
  /** The socket that the menu was last asked for at. */
  readonly pointed: LooseEnd | null
  /** A menu at a point of the window. */
  readonly menu: Point | null
  readonly hasMap: boolean
  /** The picture that a mask is painted for. */
  readonly masking: Masking | null
  /** By the ids of groups that are dragged: what lay in them when that began, and goes with them. */
  readonly carried: ReadonlyMap<string, readonly string[]>
}

/** Which node has the focus: itself, or something inside of it. */
export interface Focused {
  readonly node: NodeId
  readonly isInside: boolean
}

/** What only the drawn canvas can tell and do. */
export interface Camera {
  /** Bring some nodes into view; all unless said. `atOnce`: without a flight. */
  fit(ids?: Iterable<string>, atOnce?: boolean): void
  zoom(direction: "in" | "out"): void
  /** Where a point of the window lies in the graph. */
  toGraph(point: Point): Point
  toWindow(point: Point): Point
  /** Give a node the focus once it is drawn, and bring it into view. */
  focus(id: NodeId): void
  /** Give the first field of a node the focus. */
  focusInto(id: NodeId): void
  focused(): Focused | null
  /** Where the pointer is on the canvas, in the graph. */
  pointer(): Point | null
  middle(): Point
  /** How large a node is drawn, without its title. */
  sizeOf(id: string): Size | undefined
}

export class View {
  readonly store: StoreApi<ViewState> = createStore(() => ({
    palette: null,
    dragged: null,
    linked: null,
    dropLink: null,
    renamed: null,
    pointed: null,
    menu: null,
    hasMap: true,
    masking: null,
    carried: new Map(),
  }))
  private shown: Camera | null = null

  /** There while the canvas is drawn. */
  get camera(): Camera | null {
    return this.shown
  }

  /** Take a camera; the answer lets go of it. */
  attach(camera: Camera): () => void {
    this.shown = camera
    return () => {
      if (this.shown === camera) this.shown = null
    }
  }

  get state(): ViewState {
    return this.store.getState()
  }

  set(fields: Partial<ViewState>): void {
    this.store.setState(fields)
  }
}
