"""`python -m tests.tiny PATH [FAMILY]`: write a tiny checkpoint with random weights."""

from pathlib import Path

import click

from tests.tiny.checkpoints import FAMILIES, make_tiny_checkpoint


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("family", type=click.Choice(FAMILIES), default="sd15")
def main(path: Path, family: str) -> None:
    """Write a tiny checkpoint with random weights to PATH."""
    click.echo(make_tiny_checkpoint(path, family))


if __name__ == "__main__":
    main()
