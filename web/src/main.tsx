import { ReactFlow } from "@xyflow/react"
import "@xyflow/react/dist/style.css"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no element #root")
createRoot(root).render(
  <StrictMode>
    <div style={{ width: "100vw", height: "100vh" }}>
      <ReactFlow />
    </div>
  </StrictMode>,
)
