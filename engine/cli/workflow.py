"""Reading the workflow that a command names, with its faults told in one line and exit code 2."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from engine.app import App, Asked
from engine.cli.complain import complaints
from engine.cli.overrides import OverrideError, with_overrides
from engine.graph.check import Verdict
from engine.graph.editor.trouble import WorkflowError
from engine.graph.open_file import OpenError
from engine.graph.prompt import PromptError

INVALID = 2


def argument(command: Any) -> Any:
    return click.argument("path", metavar="WORKFLOW", type=click.Path(path_type=Path))(command)


def read(app: App, path: Path, sets: Sequence[str] = ()) -> Asked:
    """The workflow of a file, with `--set` applied. What cannot be read ends the program."""
    try:
        asked = app.read(path)
        if not sets:
            return asked
        types = app.types_for({node.type for node in asked.graph.nodes.values()})
        return Asked(with_overrides(asked.graph, sets, types))
    except (OpenError, WorkflowError, PromptError, OverrideError, OSError) as error:
        refuse([f"{path}: {error}" if str(path) not in str(error) else str(error)])


def check(app: App, asked: Asked, targets: Sequence[str]) -> Verdict:
    """The verdict on a workflow; targets that are not its outputs end the program."""
    types = app.types_for({node.type for node in asked.graph.nodes.values()})
    for target in targets:
        if target not in asked.graph:
            refuse([f"--target {target}: there is no such node; there are {', '.join(asked.graph)}"])
        type_ = types.get(asked.graph[target].type)
        if type_ is not None and not type_.is_output:
            refuse([f"--target {target}: {type_.id} is not an output node"])
    return app.check(asked.graph, targets or None)


def words(app: App, verdict: Verdict) -> list[str]:
    """All that is wrong, a line each."""
    return list(complaints(verdict, app.registry.snapshot()))


def load_packs(app: App) -> None:
    """Load the node packs; those that fail are told of, and the rest goes on without them."""
    for pack in app.load_packs().packs:
        if pack.error:
            click.echo(f"pack {pack.name} was not loaded: {pack.error}", err=True)


def refuse(lines: list[str]) -> NoReturn:
    """Say what is wrong on the error stream, and end with the code for an invalid workflow."""
    for line in lines:
        click.echo(line, err=True)
    sys.exit(INVALID)
