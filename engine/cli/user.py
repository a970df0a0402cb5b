"""`heddle user`: the accounts of a server that has several users."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from engine.cli import options
from engine.cli.configured import Configured
from engine.node.deferred import deferred

with deferred():
    from engine.queue import schema
    from engine.server import accounts


T = TypeVar("T")


@click.group(name="user")
def command() -> None:
    """Manage the accounts of `heddle serve --multi-user`. Changes hold at once, also while it runs."""


@command.command(cls=Configured)
@click.argument("name")
@click.option(
    "--admin", is_flag=True, help="An administrator: may pause the queue and make accounts, as the first may."
)
@options.where
def add(name: str, admin: bool, **chosen: Any) -> None:
    """Make an account for NAME and print its token, which cannot be shown again."""
    _, token = _asked(chosen, lambda store: store.add(name, is_admin=admin))
    click.echo(token)


@command.command(name="list", cls=Configured)
@options.where
def list_all(**chosen: Any) -> None:
    """List the accounts: name, id, and who is an administrator."""
    for each in _asked(chosen, lambda store: store.all()):
        click.echo(f"{each.name}  {each.id}{'  administrator' if each.is_admin else ''}")


@command.command(cls=Configured)
@click.argument("name")
@options.where
def remove(name: str, **chosen: Any) -> None:
    """Delete the account of NAME. Files and jobs stay; what waits still runs."""
    _asked(chosen, lambda store: store.remove(name))


@command.command(cls=Configured)
@click.argument("name")
@options.where
def token(name: str, **chosen: Any) -> None:
    """Make a new token for NAME and print it; the old one is worth nothing any more."""
    click.echo(_asked(chosen, lambda store: store.renew(name)))


def _asked(chosen: dict[str, Any], ask: "Callable[[accounts.Accounts], T]") -> "T":
    try:
        store = accounts.Accounts(options.settings(chosen).folder("user") / accounts.DATABASE)
        return ask(store)
    except (accounts.NoAccount, schema.StoreError) as error:
        raise click.ClickException(str(error)) from error
