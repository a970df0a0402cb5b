"""`heddle convert`: the API-format prompt of a workflow file."""

import json
from pathlib import Path
from typing import Any

import click

from engine import app as application
from engine.cli import options, workflow
from engine.cli.configured import Configured
from engine.graph.prompt import prompt_from_graph


@click.command(name="convert", cls=Configured)
@workflow.argument
@click.option(
    "--set", "sets", multiple=True, allow_from_autoenv=False, metavar="NODE.INPUT=VALUE", help="Change a constant."
)
@click.option(
    "-o", "--to", allow_from_autoenv=False, type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."
)
@options.where
def command(path: Path, sets: tuple[str, ...], to: Path | None, **chosen: Any) -> None:
    """Write WORKFLOW, saved by the editor or carried by a picture, as an API-format prompt."""
    app = application.start(options.settings(chosen))
    prompt = prompt_from_graph(workflow.read(app, path, sets).graph)
    text = json.dumps(prompt, indent=2, ensure_ascii=False) + "\n"
    if to is None:
        click.echo(text, nl=False)
    else:
        to.write_text(text, "utf-8")
        click.echo(f"{to}: {len(prompt)} nodes", err=True)
