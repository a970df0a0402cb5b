"""`heddle serve`: the server for browsers and programs."""

import asyncio
import ipaddress
import logging
import os
import secrets
import ssl
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from engine.cli import options
from engine.cli.configured import PREFIX, Configured
from engine.cli.path_or_word import PathOrWord
from engine.node.deferred import deferred
from engine.server.log_format import FORMATS, LEVELS, Format, write_log
from engine.settings import Settings

with deferred():
    from engine import serving
    from engine.queue import lane, schema
    from engine.server import accounts, desk, guard, installed

log = logging.getLogger(__name__)
_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_FRONTEND = PathOrWord({"stock": lambda: installed.stock_frontend()}, file_okay=False, exists=True)


@click.command(name="serve", cls=Configured)
@click.option("--listen", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to take connections.")
@click.option("--port", default=8188, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--devices", metavar="A,B", help="One worker for each: cuda:0,cuda:1. What --device says unless given.")
@click.option(
    "--token", metavar="TOKEN", hide_input=True, help="What clients must show; made up and printed off loopback."
)
@click.option("--token-file", type=_FILE, help="Read the token from this file, so that no list of processes shows it.")
@click.option(
    "--multi-user/--no-multi-user", help="Everybody has an account (heddle user add) and a token of their own."
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="Another name under which it is asked.")
@click.option("--allow-origin", multiple=True, metavar="URL", help="Another page that may ask.")
@click.option("--frontend", type=_FRONTEND, metavar="FOLDER", help="A browser frontend's files, or `stock`.")
@click.option("--tls-certificate", type=_FILE, help="Serve https with this certificate (PEM).")
@click.option("--tls-key", type=_FILE, help="The certificate's key (PEM).")
@click.option("--retries", default=2, show_default=True, help="How often a job is tried again when its worker dies.")
@click.option("--hang-after", default=60.0, show_default=True, metavar="SECONDS", help="Silence that ends a worker.")
@click.option(
    "--journal-after",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Runs that last longer go on where they stood when their worker dies; below 0 none does.",
)
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Keep so many jobs in the history; all unless said.")
@click.option("--keep-days", type=click.FloatRange(0), metavar="DAYS", help="Keep jobs of so many days.")
@click.option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True, help="Of the log.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="What is logged at least."
)
@click.option("--access-log/--no-access-log", help="Log each request that is answered.")
@click.option("--debug/--no-debug", help="Tell clients what went wrong inside the server.")
@options.where
@options.how
@options.shown
def command(
    listen: str,
    port: int,
    devices: str | None,
    token: str | None,
    token_file: Path | None,
    multi_user: bool,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    frontend: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    retries: int,
    hang_after: float,
    journal_after: float,
    keep: int | None,
    keep_days: float | None,
    log_format: Format,
    log_level: str,
    access_log: bool,
    debug: bool,
    **chosen: Any,
) -> None:
    """Serve workflows over HTTP and websockets.

    A job whose id was answered is on the disk: it outlives crashes and restarts. Off loopback a token is needed.
    """
    write_log(log_format, log_level)
    token = _token(token, token_file)
    settings = options.settings(chosen)
    if token is not None and multi_user:
        wrong = "with --multi-user each user has a token: heddle user token NAME"
        raise click.BadParameter(wrong, param_hint="--token")
    wants_one = token is None and not multi_user and not _is_loopback(listen)
    made_up = secrets.token_urlsafe(24) if wants_one else None
    told: str = chosen["device"] if devices is None else devices
    names = tuple(each.strip() for each in told.split(",") if each.strip())
    if not names:
        raise click.BadParameter("name at least one device, such as auto or cuda:0", param_hint="--devices")
    served = serving.Serving(
        listen=listen,
        port=port,
        devices=names,
        guard=guard.Guard(
            (*allow_host, listen), allow_origin, token or made_up, debug, _accounts(settings) if multi_user else None
        ),
        frontend=frontend,
        bounds=desk.Bounds(),
        limits=lane.Limits(retries=retries, hang=hang_after),
        previews_for_all=_is_said("preview_method"),
        journal_after=journal_after if journal_after >= 0 else None,
        keep=keep,
        keep_days=keep_days,
        tls=_tls(tls_certificate, tls_key),
        access_log=access_log,
    )

    def ready(address: str) -> None:
        # A token that was chosen is known; a log is no place for it.
        click.echo(f"Heddle is at {address}/login?token={made_up}" if made_up else f"Heddle is at {address}")

    try:
        asyncio.run(serving.serve(settings, served, ready))
    except (schema.StoreError, OSError) as error:
        if log_format == "json":
            log.critical("the server cannot go on: %s", error)
        else:
            click.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _token(said: str | None, file: Path | None) -> str | None:
    """The token itself, or what its file holds: where both are given, of the place that comes first."""
    os.environ.pop(f"{PREFIX}_TOKEN", None)  # workers, and so packs, inherit the environment
    origin = click.get_current_context().get_parameter_source
    if said is not None and file is not None:
        places = [ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP]
        first, second = (places.index(origin(name) or places[-1]) for name in ("token", "token_file"))
        if first == second:
            raise click.UsageError("say --token or --token-file, not both")
        said, file = (said, None) if first < second else (None, file)
    try:
        token = said if file is None else file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file} cannot be read: {error}", param_hint="--token-file") from error
    if token is not None and (not token or not token.isascii() or any(each.isspace() for each in token)):
        wanted = "a token is one word of letters, digits and signs without spaces"
        raise click.BadParameter(wanted, param_hint="--token" if file is None else f"--token-file {file}")
    return token


def _accounts(settings: Settings) -> "accounts.Accounts":
    try:
        found = accounts.Accounts(settings.folder("user") / accounts.DATABASE)
    except schema.StoreError as error:
        raise click.ClickException(str(error)) from error
    if not found.all():
        click.echo("Nobody has an account yet: heddle user add NAME makes one, and tells its token", err=True)
    return found


def _is_said(name: str) -> bool:
    """Whether an option has a value from anywhere but its default."""
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def _is_loopback(listen: str) -> bool:
    try:
        return ipaddress.ip_address(listen).is_loopback
    except ValueError:
        return listen == "localhost"


def _tls(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise click.BadParameter(
            f"the certificate and key do not fit: {error}", param_hint="--tls-certificate"
        ) from error
    return context
