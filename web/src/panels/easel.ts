/** What holds a picture while its mask is painted: the brush, how the mask looks, and how the picture lies in its window. */

import { createStore, type StoreApi } from "zustand/vanilla"
import type { Brush, Dab } from "~/mask/brush"
import { Painting } from "~/mask/painting"
import { isNowhere, tinted, whole, type Box } from "~/mask/raster"
import { fitted, zoomed, type Extent, type Placing, type Spot } from "~/mask/zoom"
import type { Picture } from "~/panels/mask_pixels"

export interface EaselState {
  readonly brush: Brush
  /** Of the mask, as `#rrggbb`. */
  readonly colour: string
  readonly opacity: number
  readonly window: Extent
  readonly placing: Placing
  /** Whether the picture is as large as the window lets it; it stays so when that changes. */
  readonly isFitted: boolean
  /** Where the brush is, in the picture; null where it is not over it. */
  readonly at: Spot | null
  /** Whether dragging moves the picture. */
  readonly moves: boolean
  readonly canUndo: boolean
  readonly canRedo: boolean
  readonly isChanged: boolean
}

export class Easel {
  readonly painting: Painting
  readonly store: StoreApi<EaselState>
  /** The widest brush, across. */
  readonly widest: number
  private sheet: HTMLCanvasElement | null = null

  constructor(readonly picture: Picture) {
    const { width, height } = picture.mask
    this.painting = new Painting(picture.mask)
    this.widest = Math.max(width, height, 2)
    const brush = { radius: Math.max(Math.min(width, height) / 16, 1), hardness: 0.8, erases: false }
    const window = { width: 1, height: 1 }
    this.store = createStore(() => ({
      ...{ brush, colour: "#ff3355", opacity: 0.6, window, placing: fitted(picture.mask, window), isFitted: true },
      ...{ at: null, moves: false, canUndo: false, canRedo: false, isChanged: false },
    }))
  }

  get state(): EaselState {
    return this.store.getState()
  }

  /** Show the mask on a canvas from now on. */
  attach(sheet: HTMLCanvasElement | null): void {
    this.sheet = sheet
    this.draw(whole(this.painting.mask))
  }

  set(fields: Partial<Pick<EaselState, "at" | "moves" | "opacity">>): void {
    this.store.setState(fields)
  }

  setColour(colour: string): void {
    this.store.setState({ colour })
    this.draw(whole(this.painting.mask))
  }

  setBrush(set: Partial<Brush>): void {
    this.store.setState(({ brush }) => {
      const radius = Math.min(Math.max(set.radius ?? brush.radius, 0.5), this.widest / 2)
      return { brush: { ...brush, ...set, radius } }
    })
  }

  setWindow(window: Extent): void {
    this.store.setState(({ isFitted }) => (isFitted ? { window, placing: fitted(this.picture.mask, window) } : { window }))
  }

  place(placing: Placing): void {
    this.store.setState({ placing, isFitted: false })
  }

  fit(): void {
    this.store.setState(({ window }) => ({ placing: fitted(this.picture.mask, window), isFitted: true }))
  }

  /** Enlarge around a point of the window, unless said its middle. */
  zoom(factor: number, at?: Spot): void {
    const { window, placing } = this.state
    this.place(zoomed(placing, at ?? { x: window.width / 2, y: window.height / 2 }, factor, this.smallest))
  }

  get smallest(): number {
    return Math.min(fitted(this.picture.mask, this.state.window).scale / 4, 1)
  }

  begin(at: Dab, erases = false): void {
    const { brush } = this.state
    this.draw(this.painting.begin({ ...brush, erases: brush.erases || erases }, at))
  }

  moveTo(at: Dab): void {
    this.draw(this.painting.moveTo(at))
  }

  end(): void {
    this.did(this.painting.end())
  }

  cancel(): void {
    this.did(this.painting.cancel())
  }

  undo(): void {
    this.did(this.painting.undo())
  }

  redo(): void {
    this.did(this.painting.redo())
  }

  invert(): void {
    this.did(this.painting.invert())
  }

  clear(): void {
    this.did(this.painting.clear())
  }

  private did(box: Box): void {
    this.draw(box)
    const { canUndo, canRedo, isChanged } = this.painting
    this.store.setState({ canUndo, canRedo, isChanged })
  }

  private draw(box: Box): void {
    if (isNowhere(box)) return
    const pixels = new ImageData(tinted(this.painting.mask, box, partsOf(this.state.colour)), box.right - box.left, box.bottom - box.top)
    this.sheet?.getContext("2d")?.putImageData(pixels, box.left, box.top)
  }
}

function partsOf(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}
