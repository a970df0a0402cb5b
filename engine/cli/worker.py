"""`heddle worker`: the process of one device, started by `heddle serve` and by nobody else."""

import logging
import sys
from typing import Any

import click

from engine import app as application
from engine.cli import options
from engine.node.deferred import deferred

with deferred():
    from engine.queue import worker
    from engine.run import previews


@click.command(name="worker", hidden=True)
@options.where
@options.extra
@options.how
@options.shown
def command(**chosen: Any) -> None:
    """Run jobs that come on standard input."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    source, pipe = worker.standard_pipes()
    settings = options.settings(chosen)
    app = application.start(settings)
    app.place()
    with app.fence:
        shown = previews.Previews(settings.preview_method, settings.preview_size)
        shown.warm_up()
        worker.Worker(app, pipe, shown.of).serve(source)
