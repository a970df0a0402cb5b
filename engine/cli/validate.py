"""`heddle validate`: what is wrong with a workflow, without running it."""

from pathlib import Path
from typing import Any

import click

from engine import app as application
from engine.cli import as_json, options, workflow
from engine.cli.configured import Configured


@click.command(name="validate", cls=Configured)
@workflow.argument
@click.option(
    "--set", "sets", multiple=True, allow_from_autoenv=False, metavar="NODE.INPUT=VALUE", help="Change a constant."
)
@click.option("--json", "wants_json", envvar="HEDDLE_JSON", is_flag=True, help="Print the verdict as one JSON object.")
@options.where
def command(path: Path, sets: tuple[str, ...], wants_json: bool, **chosen: Any) -> None:
    """Say what is wrong with WORKFLOW, by node and input, without running it.

    Ends with 0 if all its outputs can run, 2 otherwise.
    """
    app = application.start(options.settings(chosen))
    asked = workflow.read(app, path, sets)
    verdict = workflow.check(app, asked, ())
    problems = workflow.words(app, verdict)
    if wants_json:
        click.echo(as_json.as_line(as_json.Refused.of(verdict)) if problems else '{"type": "valid"}')
    if problems:
        workflow.refuse([] if wants_json else problems)
    if not wants_json:
        count = len(verdict.outputs)
        click.echo(f"valid: {len(asked.graph)} nodes, {count} output{'' if count == 1 else 's'}")
