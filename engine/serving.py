"""Puts a server together: the queue, its workers, and the routes over them; runs it until it is told to stop."""

import asyncio
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiohttp import web

from engine.app import use_folders
from engine.cli.options import arguments
from engine.queue.lane import Journals, Limits
from engine.queue.pool import Pool
from engine.queue.schema import DATABASE
from engine.queue.store import Store
from engine.server.access_log import ACCESS, AccessLog
from engine.server.desk import Bounds, Desk
from engine.server.guard import Guard
from engine.server.installed import shelves
from engine.server.log_lines import LogLines
from engine.server.metrics import Metrics
from engine.server.reporter import Reporter
from engine.server.sockets import Sockets
from engine.server.status import Status
from engine.server.system import describe
from engine.server.types import TypeDesk
from engine.server.web_app import make_app
from engine.settings import Settings
from engine.weights import staging
from engine.weights.folders import Folders
from nodes import built_in_registry

log = logging.getLogger(__name__)
_TURNING_OUT = 1.0  # seconds between looks at whose websockets are open
_PRUNING = 600.0  # seconds between looks at what the history may forget


@dataclass(frozen=True)
class Serving:
    """How a server runs, besides what each of its workers is told."""

    listen: str = "127.0.0.1"
    port: int = 8188
    devices: tuple[str, ...] = ("auto",)
    guard: Guard = field(default_factory=Guard)
    frontend: Path | None = None
    bounds: Bounds = field(default_factory=Bounds)
    limits: Limits = field(default_factory=Limits)
    previews_for_all: bool = False  # also for clients that do not say that they show them
    keep: int | None = None  # jobs of the history; None: all
    keep_days: float | None = None
    journal_after: float | None = 60.0  # seconds that a run lasts before it can be resumed; None: never
    tls: SSLContext | None = None
    access_log: bool = False


async def serve(settings: Settings, serving: Serving, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` gets the address once connections are taken.

    Raises StoreError when the queue's file cannot be used, and OSError when the address cannot.
    """
    desk = _desk(settings, serving)
    timing = {"shutdown_timeout": 2, "keepalive_timeout": serving.bounds.patience.idle}
    runner = web.AppRunner(make_app(desk, serving.guard), **timing, **_access_log(serving))
    try:
        await runner.setup()
        site = web.TCPSite(runner, serving.listen, serving.port, ssl_context=serving.tls)
        await site.start()
        logging.getLogger().addHandler(desk.logs)
        desk.logs.listener = desk.sockets.send_log
        await desk.pool.start()
        chores = [asyncio.create_task(_prune(desk.store, serving)), asyncio.create_task(_turn_out(desk))]
        host, port = runner.addresses[0][:2]
        on_ready(f"{'https' if serving.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}")
        await _told_to_stop()
        for chore in chores:
            chore.cancel()
        await desk.sockets.close()
        await desk.pool.stop()
        await desk.types.routes.close()
    finally:
        logging.getLogger().removeHandler(desk.logs)
        await runner.cleanup()
        desk.store.close()


def _access_log(serving: Serving) -> dict[str, Any]:
    return {"access_log": logging.getLogger(ACCESS) if serving.access_log else None, "access_log_class": AccessLog}


def _desk(settings: Settings, serving: Serving) -> Desk:
    chosen = use_folders(settings)
    store = Store(chosen.user / DATABASE, most_waiting=serving.bounds.waiting)
    _tidy(chosen, store)
    types, sockets, logs = TypeDesk(built_in_registry(), chosen.user / "node_types.json"), Sockets(), LogLines()
    if not _has_packs(settings, chosen):
        types.changes_prompts = False
    metrics = Metrics()
    status = Status(sockets, store.read.remaining)
    reporter = Reporter(sockets, status, types, metrics, serving.previews_for_all)
    journals = Journals(chosen.user / "journals", serving.journal_after) if serving.journal_after is not None else None
    pool = Pool(store, chosen.output, serving.devices, _command(settings), reporter, serving.limits, journals)
    metrics.watch(store, pool, sockets)
    frontend, shelved, bounds = serving.frontend, shelves() if serving.frontend else {}, serving.bounds
    more = frontend, shelved, bounds, serving.guard.accounts
    return Desk(chosen, store, pool, types, sockets, status, reporter, logs, metrics, describe, *more)


def _has_packs(settings: Settings, chosen: Folders) -> bool:
    """Whether there may be node packs to load."""
    roots = chosen.roots("custom_nodes") if settings.load_packs or settings.packs_anyway else []
    return any(root.is_dir() and any(root.iterdir()) for root in roots)


def _command(settings: Settings) -> Callable[[str], Sequence[str]]:
    program = [sys.executable, "-m", "engine", "worker"]
    return lambda device: [*program, *arguments(replace(settings, device=device))]


def _tidy(chosen: Folders, store: Store) -> None:
    """Begin with an empty temp folder, and without the stages and names of leases that a crash ended."""
    for path in chosen.temp.iterdir() if chosen.temp.is_dir() else ():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    staging.tidy(chosen.output, {job.lease for job, _ in store.read.unpublished()})


async def _prune(store: Store, serving: Serving) -> None:
    """Forget what the history need not keep, now and then."""
    if serving.keep is None and serving.keep_days is None:
        return
    while True:
        before = None if serving.keep_days is None else time.time() - serving.keep_days * 86400
        await asyncio.wrap_future(store.prune(serving.keep, before))
        await asyncio.sleep(_PRUNING)


async def _turn_out(desk: Desk) -> None:
    """Close the websockets of those whose account is gone, or whose token was replaced."""
    while desk.accounts is not None:
        for asker in desk.sockets.askers():
            if not desk.accounts.is_current(asker.key):
                await desk.sockets.turn_out(asker)
        await asyncio.sleep(_TURNING_OUT)


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        try:
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            signal.signal(each, lambda *_: stop.set())
    await stop.wait()
