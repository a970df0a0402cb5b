"""`heddle backup`: a copy of the queue, also while a server uses it."""

import sys
from pathlib import Path

import click

from engine.cli import options
from engine.cli.configured import Configured
from engine.node.deferred import deferred
from engine.settings import Settings

with deferred():
    from engine.queue import backup, schema


@click.command(name="backup", cls=Configured)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, allow_from_autoenv=False, help="Let the copy take the place of FILE.")
@options.whose
def command(file: Path, overwrite: bool, base_directory: Path | None, user_directory: Path | None) -> None:
    """Copy the queue and its history into FILE, beside a running server or without one.

    FILE appears when the copy is whole and was looked through. Ends with 1, and leaves FILE as it was, when it cannot.
    """
    settings = Settings.of({"base": base_directory, "user": user_directory})
    try:
        counts = backup.back_up(settings.folder("user") / schema.DATABASE, file.absolute(), overwrite=overwrite)
    except schema.StoreError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    click.echo(f"{file}: {sum(counts.values())} jobs{f' ({told})' if told else ''}")
