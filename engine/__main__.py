"""The command line: run, check, convert workflows, serve them, and list nodes."""

import click

from engine import __version__
from engine.cli import backup, convert, nodes, run, serve, user, validate, worker


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="heddle")
def main() -> None:
    """Heddle runs node-graph diffusion pipelines: a workflow file becomes an image."""


for each in (run, serve, backup, user, validate, convert, nodes, worker):
    main.add_command(each.command)

if __name__ == "__main__":
    main()
