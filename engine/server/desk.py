"""What routes may reach: one typed value, made when the server starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.compat.pack_calls import LARGEST_BODY
from engine.queue.pool import Pool
from engine.queue.store import Store
from engine.server.accounts import Accounts
from engine.server.log_lines import LogLines
from engine.server.metrics import Metrics
from engine.server.patience import Patience
from engine.server.reporter import Reporter
from engine.server.sockets import Sockets
from engine.server.status import Status
from engine.server.types import TypeDesk
from engine.weights.folders import Folders


@dataclass(frozen=True)
class Bounds:
    """How much a client may ask for."""

    upload: int = LARGEST_BODY  # bytes of a request's body
    pixels: int = 200_000_000  # of a picture that is opened to be converted
    nodes: int = 100_000  # of a prompt
    waiting: int = 1_000_000  # jobs in the queue
    sockets: int = 1000  # open at once
    sockets_of_one: int = 200  # of those from one address
    message: int = 2**20  # bytes of a message of a websocket
    messages: int = 100  # of a websocket in a second
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Desk:
    """Everything that the routes of one server share."""

    folders: Folders
    store: Store
    pool: Pool
    types: TypeDesk
    sockets: Sockets
    status: Status
    reporter: Reporter
    logs: LogLines
    metrics: Metrics
    system: Callable[[], Mapping[str, Any]]  # what /system_stats tells of the machine and the program
    frontend: Path | None = None
    shelves: Mapping[str, Sequence[Path]] = field(default_factory=dict[str, Sequence[Path]])  # what else is served
    bounds: Bounds = field(default_factory=Bounds)
    accounts: Accounts | None = None  # None: there is one user


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)
