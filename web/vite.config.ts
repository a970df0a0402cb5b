import { fileURLToPath } from "node:url"
import react from "@vitejs/plugin-react"
import { defineConfig } from "vitest/config"

// `npm run dev` shows the canvas with the data of a server that already runs.
const server = process.env["HEDDLE_SERVER"] ?? "http://127.0.0.1:8188"
const proxied = { target: server, changeOrigin: true, ws: true, headers: { origin: server } }

export default defineConfig({
  base: "./",
  plugins: [react()],
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    ...{ outDir: "../engine/server/canvas", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
    license: { fileName: "licenses.txt" }, // of the libraries inside, whose terms ask for it
  },
  server: { proxy: { "/api": proxied, "/templates": proxied } },
  test: { include: ["tests/**/*.test.{ts,tsx}"], testTimeout: 60_000 },
})
