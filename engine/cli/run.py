"""`heddle run`: a workflow file becomes files, with its progress shown."""

import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from engine import app as application
from engine.cli import as_json, options, workflow
from engine.cli.configured import Configured
from engine.graph.check import Verdict
from engine.node.deferred import deferred

with deferred():
    import rich

    from engine.cli import show
    from engine.run import events

if TYPE_CHECKING:
    from engine.run.events import Event

FAILED = 1
CANCELLED = 130


@click.command(name="run", cls=Configured)
@workflow.argument
@click.option(
    "--set", "sets", multiple=True, allow_from_autoenv=False, metavar="NODE.INPUT=VALUE", help="Change a constant."
)
@click.option(
    "--target", "targets", multiple=True, allow_from_autoenv=False, metavar="NODE", help="Run only this output node."
)
@click.option("--json", "wants_json", envvar="HEDDLE_JSON", is_flag=True, help="Print one event per line, as JSON.")
@click.option("--verbose", is_flag=True, help="Show where in the code a node failed, whatever it was.")
@options.where
@options.how
def command(
    path: Path, sets: tuple[str, ...], targets: tuple[str, ...], wants_json: bool, verbose: bool, **chosen: Any
) -> None:
    """Run WORKFLOW and list the files it wrote.

    WORKFLOW is an API-format prompt, a workflow saved by the editor, or a picture or other file that carries one.
    Ends with 0 when done, 1 when a node failed, 2 when the workflow is invalid, 130 when cancelled.
    """
    app = application.start(options.settings(chosen))
    workflow.load_packs(app)
    verdict, extra_data = _accepted(app, path, sets, targets, wants_json)
    watch = as_json.Lines() if wants_json else show.Watch(verdict.graph, app.folders, rich.get_console(), verbose)
    with app.fence, _cancelling() as cancelled, watch:
        sys.exit(_code(_last(app, verdict, extra_data, cancelled, watch.show)))


def _accepted(
    app: application.App, path: Path, sets: tuple[str, ...], targets: tuple[str, ...], wants_json: bool
) -> tuple[Verdict, Mapping[str, Any]]:
    """The verdict on a workflow of which at least a part can run; any other ends the program."""
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
    return verdict, asked.extra_data


def _last(
    app: application.App,
    verdict: Verdict,
    extra_data: Mapping[str, Any],
    cancelled: Callable[[], bool],
    show_event: "Callable[[Event], None]",
) -> "Event | None":
    """Run to the end and show what happens; the last event says how it ended, None that it was stopped where it was."""
    last: Event | None = None
    # What long steps report of themselves is shown while they run, not when they are done.
    happening = app.run(verdict, extra_data, prompt_id=str(uuid4()), cancelled=cancelled, live=show_event)
    try:
        for last in happening:
            show_event(last)
    except KeyboardInterrupt:
        return None
    return last


def _code(last: "Event | None") -> int:
    if isinstance(last, events.RunFinished):
        return 0
    return FAILED if isinstance(last, events.RunFailed) else CANCELLED


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
