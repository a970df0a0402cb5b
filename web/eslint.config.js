import hooks from "eslint-plugin-react-hooks"
import tseslint from "typescript-eslint"

const FOLDERS = ["document", "mask", "run", "wire", "state", "words", "canvas", "commands", "widgets", "panels"]

/** A folder, and whom it may import besides itself; only main.tsx knows all. */
const floor = (folder, ...below) => ({
  files: [`src/${folder}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          { regex: "^\\.\\./", message: "Say ~/folder/file." },
          ...FOLDERS.filter((each) => each !== folder && !below.includes(each)).map((each) => ({
            regex: `^~/${each}(/|$)`,
            message: `${folder} knows nothing of ${each}.`,
          })),
          ...(["document", "mask", "run", "wire"].includes(folder)
            ? [{ regex: "^(react|react-dom|zustand|@xyflow/react)(/|$)", message: `${folder} draws nothing.` }]
            : []),
        ],
      },
    ],
    ...(folder === "wire" ? {} : { "no-restricted-globals": ["error", "fetch", "WebSocket", "XMLHttpRequest", "EventSource"] }),
  },
})

export default tseslint.config(
  { ignores: ["src/wire/server.gen.ts", "node_modules"] },
  ...tseslint.configs.strictTypeChecked,
  hooks.configs.flat["recommended-latest"],
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "no-console": "error",
      "no-eval": "error",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
    },
  },
  floor("document"),
  floor("mask"),
  floor("wire", "document"),
  floor("run", "wire", "document"),
  floor("words"),
  floor("state", "document", "wire", "run"),
  floor("commands", "document", "run", "state", "words"),
  floor("widgets", "document", "run", "state", "words"),
  floor("panels", "document", "mask", "run", "state", "words", "widgets", "commands"),
  floor("canvas", "document", "run", "state", "words", "widgets", "commands", "panels"),
  { files: ["eslint.config.js"], ...tseslint.configs.disableTypeChecked },
)
