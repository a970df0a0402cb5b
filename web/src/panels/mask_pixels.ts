/** A picture of the server's as pixels, and a mask as a file: both through the browser. */

import { emptyMask, maskOfPixels, pixelsOfMask, type Mask } from "~/mask/raster"
import type { NamedFile } from "~/document/schema/uploads"
import type { App } from "~/state/app"

export interface Picture {
  /** Its colours, also below what is transparent. */
  readonly url: string
  readonly mask: Mask
}

/** A picture and the mask that it carries. Throws where the browser cannot show it. */
export async function readPicture({ server }: App, file: NamedFile): Promise<Picture> {
  const url = server.fileUrl(file)
  const image = new Image()
  image.src = url
  await image.decode()
  const { naturalWidth: width, naturalHeight: height } = image // as they are with the camera's turn
  const context = contextOf(width, height)
  context.drawImage(image, 0, 0)
  const mask = maskOfPixels(width, height, context.getImageData(0, 0, width, height).data)
  const isOpaque = mask.bytes.every((each) => each === 0)
  return isOpaque ? { url, mask: emptyMask(width, height) } : { url: server.coloursUrl(file), mask }
}

/** A PNG that is transparent where the mask is. */
export async function fileOfMask(mask: Mask): Promise<Blob> {
  const context = contextOf(mask.width, mask.height)
  context.putImageData(new ImageData(pixelsOfMask(mask), mask.width, mask.height), 0, 0)
  const blob = await new Promise<Blob | null>((resolve) => {
    context.canvas.toBlob(resolve, "image/png")
  })
  if (blob === null) throw new Error("the browser makes no PNG of this size")
  return blob
}

function contextOf(width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas")
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext("2d", { willReadFrequently: true })
  if (context === null) throw new Error("the browser draws no pictures")
  return context
}
