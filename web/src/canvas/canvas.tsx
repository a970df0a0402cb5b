import { Background, ReactFlow, SelectionMode, type EdgeChange, type NodeChange } from "@xyflow/react"
import "@xyflow/react/dist/style.css"
import { useCallback, useMemo, useRef, useState, type DragEvent, type MouseEvent } from "react"
import { AfarLinks, BoxView, useAfar, useBoxes } from "~/canvas/afar"
import { Announcer } from "~/canvas/announcer"
import { CameraLink, LEAST_ZOOM, useShown } from "~/canvas/camera"
import { followLinks, followNodes } from "~/canvas/changes"
import { ClipboardLink } from "~/canvas/clipboard"
import { Column } from "~/canvas/column"
import { linkUnder, useDragging } from "~/canvas/dragging"
import { drawnLinks, drawnNodes, type Drawn, type DrawnLink, type Measured } from "~/canvas/flow"
import { selectFocused } from "~/canvas/focus"
import { GroupView } from "~/canvas/group"
import { LinkLine } from "~/canvas/link_line"
import { LinkPicker } from "~/canvas/link_picker"
import { useLinking } from "~/canvas/linking"
import { Menu } from "~/canvas/menu"
import { askForMenu, useLongPress } from "~/canvas/menu_asked"
import { NodeView } from "~/canvas/node"
import { Palette } from "~/canvas/palette"
import { RefusalHint } from "~/canvas/refusal_hint"
import { RerouteView } from "~/canvas/reroute"
import { Tools } from "~/canvas/tools"
import { entriesOf } from "~/document/library"
import { addFromLibrary, addIntoLink, DRAGGED_TYPE } from "~/state/adding"
import { useApp, useEditor, useGraph } from "~/state/use"
import { words } from "~/words/words"
import "~/canvas/canvas.css"

const NODE_TYPES = { node: NodeView, afar: BoxView, box: GroupView, reroute: RerouteView, column: Column }
const EDGE_TYPES = { link: LinkLine }
const NO_LINKS: DrawnLink[] = []
const CHOOSE_KEYS = ["Shift", "Control", "Meta"]

/** The shown graph. React Flow draws and drags; what it tells becomes changes of the document. */
export function Canvas() {
  const app = useApp()
  const graph = useGraph()
  const selected = useEditor((state) => state.selected)
  const [measured, setMeasured] = useState<Measured>(new Map())
  const { isAfar, onViewportChange } = useAfar(graph, useShown())
  const boxes = useBoxes(graph, measured)
  const nodes = useMemo(() => drawnNodes(graph, selected, measured, boxes, isAfar), [graph, selected, measured, boxes, isAfar])
  const edges = useMemo(() => (isAfar ? NO_LINKS : drawnLinks(graph, selected)), [graph, selected, isAfar])
  const linking = useLinking()
  const dragging = useDragging()

  const onNodesChange = useCallback(
    (changes: NodeChange<Drawn>[]) => {
      const sizes = changes.flatMap((each) =>
        each.type === "dimensions" && each.dimensions !== undefined ? [[each.id, each.dimensions] as const] : [],
      )
      if (sizes.length > 0) setMeasured((before) => new Map([...before, ...sizes]))
      followNodes(app, changes)
    },
    [app],
  )
  const onEdgesChange = useCallback(
    (changes: EdgeChange<DrawnLink>[]) => {
      followLinks(app, changes)
    },
    [app],
  )
  const onPaneClick = useCallback(() => {
    app.editor.select([]) // React Flow knows nothing of the slots of a subgraph
  }, [app])
  const onDoubleClick = useCallback(
    (event: MouseEvent) => {
      if (!(event.target instanceof Element) || !event.target.classList.contains("react-flow__pane")) return
      const point = { x: event.clientX, y: event.clientY }
      app.view.set({ palette: { at: app.view.camera?.toGraph(point) ?? point } })
    },
    [app],
  )
  const onContextMenu = useCallback(
    (event: MouseEvent) => {
      if (askForMenu(app, event.target, { x: event.clientX, y: event.clientY })) event.preventDefault()
    },
    [app],
  )
  const area = useRef<HTMLElement>(null)
  useLongPress(app, area)
  return (
    <main
      ref={area}
      className="canvas"
      tabIndex={-1}
      aria-label={words.canvas.label}
      onDoubleClick={onDoubleClick}
      onContextMenu={onContextMenu}
      onFocus={(event) => {
        selectFocused(app, event.target)
      }}
      {...useLibraryDrop()}
    >
      <ReactFlow<Drawn, DrawnLink>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onViewportChange={onViewportChange}
        onPaneClick={onPaneClick}
        {...linking}
        {...dragging}
        deleteKeyCode={null}
        disableKeyboardA11y
        edgesFocusable={false}
        selectionKeyCode={CHOOSE_KEYS}
        multiSelectionKeyCode={CHOOSE_KEYS}
        selectionMode={SelectionMode.Partial}
        panActivationKeyCode={null}
        zoomOnDoubleClick={false}
        connectionRadius={24}
        reconnectRadius={12}
        minZoom={LEAST_ZOOM}
        maxZoom={4}
        onlyRenderVisibleElements
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={24} />
        {isAfar && <AfarLinks graph={graph} boxes={boxes} selected={selected} />}
        <CameraLink />
        <ClipboardLink />
        <Tools />
      </ReactFlow>
      <RefusalHint />
      <Palette />
      <LinkPicker />
      <Announcer />
      <Menu />
    </main>
  )
}

/** Nodes that are dragged out of the library, onto the canvas or into a link. */
function useLibraryDrop() {
  const app = useApp()
  return useMemo(
    () => ({
      onDragOver: (event: DragEvent) => {
        if (!event.dataTransfer.types.includes(DRAGGED_TYPE)) return
        event.preventDefault()
        event.dataTransfer.dropEffect = "copy"
        app.view.set({ dropLink: linkUnder({ x: event.clientX, y: event.clientY }) })
      },
      onDrop: (event: DragEvent) => {
        const type = event.dataTransfer.getData(DRAGGED_TYPE)
        const entry = entriesOf(app.state.definitions).find((each) => each.type === type)
        app.view.set({ dropLink: null })
        if (entry === undefined) return
        event.preventDefault()
        const point = { x: event.clientX, y: event.clientY }
        const at = app.view.camera?.toGraph(point) ?? point
        const link = linkUnder(point)
        if (link === null) addFromLibrary(app, entry, { at })
        else addIntoLink(app, entry, at, link)
      },
    }),
    [app],
  )
}
