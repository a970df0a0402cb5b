/** Every text of the page. A translation is another object of this shape. */

export const en = {
  app: {
    title: "Heddle",
    untitled: "Untitled workflow",
    offline: "The server does not answer. Trying again …",
    skip: "To the canvas",
  },
  commands: {
    undo: "Undo",
    redo: "Redo",
    run: "Run",
  },
  panels: {
    toolbar: "Tools",
    queue: "Queue",
    notices: "Messages",
  },
  canvas: {
    label: "Workflow",
    missing: (type: string) => `The type ${type} is not installed`,
    input: (name: string, type: string) => `Input ${name}, ${type}`,
    output: (name: string, type: string) => `Output ${name}, ${type}`,
    progress: (percent: number) => `${percent} % done`,
    muted: "muted",
    bypassed: "bypassed",
  },
  widgets: {
    control: {
      fixed: "Keep",
      increment: "Raise by one after each run",
      decrement: "Lower by one after each run",
      randomize: "Draw anew after each run",
      "increment-wrap": "Next after each run, around",
    },
    absent: (value: string) => `${value} (not there)`,
    unknown: "This value cannot be edited here",
  },
  queue: {
    empty: "Nothing waits or runs.",
    running: "Runs",
    waiting: "Waits",
    cancel: (id: string) => `Cancel job ${id}`,
    first: (id: string) => `Move job ${id} to the front`,
    paused: "Paused: what runs ends, nothing more starts.",
    pause: "Pause",
    resume: "Go on",
  },
  notices: {
    dismiss: "Dismiss",
  },
  run: {
    notTaken: "The server did not take the workflow.",
    missing: (listed: string) => `These node types are not installed: ${listed}`,
    loading: "Node types are loading …",
  },
}

export type Words = typeof en
