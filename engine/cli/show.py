"""A run as a person sees it in a terminal: a bar per node, then the files."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.graph.graph import Graph
from engine.run import events
from engine.run.events import Event, Where
from engine.weights.folders import Folders

_SILENCE = 30.0  # seconds in which a long step may say nothing where no bar is drawn


class Watch:
    """Shows events as they come: bars on a terminal; elsewhere a line per node, and now and then in long ones."""

    def __init__(self, graph: Graph, folders: Folders, console: Console, is_verbose: bool = False) -> None:
        self._graph = graph
        self._folders = folders
        self._console = console
        self._began = self._spoke = time.perf_counter()
        self._files: list[Path] = []
        self._is_verbose = is_verbose
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "Watch":
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        match event:
            case events.RunCached(nodes) if nodes:
                self._console.print(f"[dim]{len(nodes)} nodes are cached[/dim]")
            case events.NodeStarted(node):
                self._task(node)
            case events.Progress(node, value, total):
                self._bars.update(self._task(node), completed=value, total=total)
                self._tell(node, value, total)
            case events.Executed(_, output):
                self._files += files_of(output, self._folders)
            case events.NodeFinished(node):
                self._finish(node)
            case events.Blocked(node, node_type, message):
                self._console.print(f"[yellow]node {node.real} ({node_type}) was blocked: {escape(message)}[/yellow]")
            case events.RunFailed():
                self._bars.stop()
                self._console.print(failure(event, self._is_verbose), highlight=False, soft_wrap=True)
                self._list_files()
            case events.RunInterrupted(node_id, node_type):
                self._bars.stop()
                self._console.print(f"[yellow]cancelled at node {node_id} ({node_type})[/yellow]")
                self._list_files()
            case events.RunFinished():
                self._bars.stop()
                self._console.print(f"done in {time.perf_counter() - self._began:.1f} s", highlight=False)
                self._list_files()
            case _:
                pass

    def _list_files(self) -> None:
        for file in self._files:
            self._console.print(escape(str(file)), highlight=False, soft_wrap=True)

    def _task(self, node: Where) -> TaskID:
        if node.id not in self._tasks:
            self._tasks[node.id] = self._bars.add_task(escape(self._label(node)), total=1)
        return self._tasks[node.id]

    def _finish(self, node: Where) -> None:
        task = self._tasks.get(node.id)
        if task is None:
            return
        total = self._bars.tasks[self._bars.task_ids.index(task)].total
        self._bars.update(task, completed=total or 1)
        if not self._console.is_terminal:
            self._console.print(escape(f"done: {self._label(node)}"), highlight=False)

    def _tell(self, node: Where, value: float, total: float) -> None:
        now = time.perf_counter()
        if not self._console.is_terminal and now - self._spoke > _SILENCE:
            self._spoke = now
            self._console.print(escape(f"at {value:g} of {total:g}: {self._label(node)}"), highlight=False)

    def _label(self, node: Where) -> str:
        written = self._graph.nodes.get(node.real)
        name = (written.title or written.type) if written else "?"
        return f"{node.id} {name}"


def failure(event: events.RunFailed, is_verbose: bool = False) -> str:
    """Which node failed and why; where the message does not say it all, also what it was given and where it was."""
    inputs = _inputs(event.inputs)
    trace = escape("".join(event.traceback))
    head = f"[bold red]node {event.node_id} ({event.node_type}) failed[/bold red]: {escape(event.message.strip())}"
    if event.explained and not is_verbose:
        return head
    return "\n".join(part for part in (head, inputs, f"[dim]{trace}[/dim]{event.exception_type}") if part)


def _inputs(inputs: Mapping[str, list[object]]) -> str:
    lines = (f"  {name} = {', '.join(str(value)[:120] for value in values)}" for name, values in inputs.items())
    return escape("\n".join(lines))


def files_of(output: Mapping[str, Any] | None, folders: Folders) -> Iterator[Path]:
    """The files that a node's UI tells of."""
    for shown in (output or {}).values():
        for each in shown if isinstance(shown, (list, tuple)) else ():
            if isinstance(each, Mapping) and isinstance(each.get("filename"), str):
                directory = folders.directory(str(each.get("type", "output"))) or folders.output
                yield directory / str(each.get("subfolder", "")) / each["filename"]
