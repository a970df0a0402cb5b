"""`heddle run`: a workflow file becomes files, with its progress shown."""

import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from engine import app as application
from engine.cli import as_json, options, workflow
from engine.graph.graph import Graph
from engine.node.deferred import deferred
from engine.weights.folders import Folders

with deferred():
    import rich

    from engine.cli import show
    from engine.device import place, room
    from engine.run import events

if TYPE_CHECKING:
    from engine.run.events import Event

FAILED = 1
CANCELLED = 130


@click.command(name="run")
@workflow.argument
@click.option("--set", "sets", multiple=True, metavar="NODE.INPUT=VALUE", help="Change a constant.")
@click.option("--target", "targets", multiple=True, metavar="NODE", help="Run only this output node.")
@click.option("--json", "wants_json", is_flag=True, help="Print one event per line, as JSON.")
@click.option("--verbose", is_flag=True, help="Show where in the code a node failed, whatever it was.")
@options.where
@options.how
def command(
    workflow: Path, sets: tuple[str, ...], targets: tuple[str, ...], wants_json: bool, verbose: bool, **chosen: Any
) -> None:
    """Run WORKFLOW and list the files it wrote.

    WORKFLOW is an API-format prompt, a workflow saved by the editor, or a picture or other file that carries one.
    Ends with 0 when done, 1 when a node failed, 2 when the workflow is invalid, 130 when cancelled.
    """
    show_events = _as_lines if wants_json else partial(_as_bars, is_verbose=verbose)
    sys.exit(_run(workflow, sets, targets, wants_json, show_events, application.start(options.settings(chosen))))


def _run(
    path: Path,
    sets: tuple[str, ...],
    targets: tuple[str, ...],
    wants_json: bool,
    show_events: "Callable[[Iterator[Event], Graph, Folders], Event | None]",
    app: application.App,
) -> int:
    workflow.load_packs(app)
    asked = workflow.read(app, path, sets)
    verdict = workflow.check(app, asked, targets)
    problems = workflow.words(app, verdict)
    if not verdict.outputs:
        if wants_json:
            click.echo(as_json.as_line(as_json.Refused.of(verdict)))
        workflow.refuse(problems)
    for line in problems:
        click.echo(f"left out: {line}", err=True)
    try:
        app.place()
    except ValueError as error:
        workflow.refuse([str(error)])
    # An accelerator's driver reserves far more addresses than memory, so only the processor's work is fenced in.
    fence = room.fenced() if place.current().device.type == "cpu" else nullcontext()
    with fence, _cancelling() as cancelled:
        happening = app.run(verdict, asked.extra_data, prompt_id=str(uuid4()), cancelled=cancelled)
        try:
            return _code(show_events(happening, verdict.graph, app.folders))
        except KeyboardInterrupt:
            return CANCELLED


def _as_lines(happening: "Iterator[Event]", _graph: Graph, _folders: Folders) -> "Event | None":
    last: Event | None = None
    for last in happening:
        click.echo(as_json.as_line(last))
    return last


def _as_bars(happening: "Iterator[Event]", graph: Graph, folders: Folders, *, is_verbose: bool) -> "Event | None":
    began = time.perf_counter()
    console = rich.get_console()
    files: list[Path] = []
    last: Event | None = None
    with show.Watch(graph, console, is_verbose) as watch:
        for last in happening:
            watch.show(last)
            if isinstance(last, events.Executed):
                files += files_of(last.output, folders)
    if isinstance(last, events.RunFinished):
        click.echo(f"done in {time.perf_counter() - began:.1f} s")
    for file in files:
        click.echo(str(file))
    return last


def _code(last: "Event | None") -> int:
    if isinstance(last, events.RunFinished):
        return 0
    return CANCELLED if isinstance(last, events.RunInterrupted) else FAILED


def files_of(output: Mapping[str, Any] | None, folders: Folders) -> Iterator[Path]:
    """The files that a node's UI tells of."""
    for shown in (output or {}).values():
        for each in shown if isinstance(shown, (list, tuple)) else ():
            if isinstance(each, Mapping) and isinstance(each.get("filename"), str):
                directory = folders.directory(str(each.get("type", "output"))) or folders.output
                yield directory / str(each.get("subfolder", "")) / each["filename"]


@contextmanager
def _cancelling() -> Generator[Callable[[], bool]]:
    """Ctrl-C sets a flag that the run looks at; a second one stops the program where it is."""
    flag = Flag()

    def cancel(_signal: int, _frame: Any) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()
        click.echo("cancelling at the next step; once more to stop at once", err=True)

    before = signal.signal(signal.SIGINT, cancel)
    try:
        yield flag.is_set
    finally:
        signal.signal(signal.SIGINT, before)
