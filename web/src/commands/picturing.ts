/** The shown graph as a picture that carries the whole workflow. */

import { drawGraph, type Look } from "~/document/picture/svg"
import { withText } from "~/document/formats/carriers/png"
import { writeWorkflow } from "~/document/formats/write"
import { writeJson } from "~/document/json"
import type { NodeId, Size } from "~/document/workflow"
import type { App } from "~/state/app"
import { executionId } from "~/state/editor"
import { words } from "~/words/words"

const SHARPNESS = 2 // pixels of a PNG for one of the canvas
const LONGEST = 8192 // pixels that browsers draw for sure

/** Draw the shown graph, with what its nodes made. Throws where the graph is empty. */
export async function svgOf(app: App): Promise<{ svg: string; size: Size }> {
  const { editor, place } = app
  if (place.graph.nodes.size === 0) throw new Error(words.files.emptyPicture)
  return drawGraph({
    place,
    look: lookOfPage(),
    sizeOf: (id) => app.view.camera?.sizeOf(id),
    pictures: await picturesOf(app),
    titles: { inputs: words.canvas.inputs, outputs: words.canvas.outputs },
    workflow: writeWorkflow(editor.workflow, app.state.definitions, true),
  })
}

/** The same as PNG. */
export async function pngOf(app: App): Promise<Uint8Array<ArrayBuffer>> {
  const { svg, size } = await svgOf(app)
  const scale = Math.min(SHARPNESS, LONGEST / Math.max(size.width, size.height))
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }))
  try {
    const image = new Image()
    image.src = url
    await image.decode()
    const canvas = document.createElement("canvas")
    canvas.width = Math.round(size.width * scale)
    canvas.height = Math.round(size.height * scale)
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height)
    const blob = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve, "image/png")
    })
    if (blob === null) throw new Error(words.files.noPicture)
    const workflow = writeWorkflow(app.editor.workflow, app.state.definitions, true)
    return withText(new Uint8Array(await blob.arrayBuffer()), "workflow", writeJson(workflow))
  } finally {
    URL.revokeObjectURL(url)
  }
}

/** The colours as the page has them now, light or dark. */
function lookOfPage(): Look {
  const probe = document.createElement("span")
  document.body.append(probe)
  const colour = (name: keyof Look): string => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const look = { page: colour("page"), surface: colour("surface"), raised: colour("raised"), line: colour("line"), text: colour("text"), faint: colour("faint") }
  probe.remove()
  return look
}

/** The first picture that each node shows, as data: a file that is passed on can ask no server. */
async function picturesOf(app: App): Promise<Map<NodeId, string>> {
  const { outputs } = app.active.run.getState()
  const found = await Promise.all(
    [...app.editor.graph.nodes.keys()].map(async (id) => {
      const file = outputs[executionId(app.editor.state.path, id)]?.images?.[0]
      return file === undefined ? null : ([id, await dataUrl(await app.server.file(file))] as const)
    }),
  )
  return new Map(found.filter((each) => each !== null))
}

async function dataUrl(blob: Blob): Promise<string> {
  let bytes = ""
  for (const byte of new Uint8Array(await blob.arrayBuffer())) bytes += String.fromCharCode(byte)
  return `data:${blob.type};base64,${btoa(bytes)}`
}
