"""The module that packs import as `server`: routes they add, and messages they send to clients.

It is no server. Whoever runs one takes `PromptServer.instance.routes` and sets `sink`; until then what packs send
goes nowhere.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web as web

log = logging.getLogger(__name__)


class BinaryEventTypes:
    """The first four bytes of a binary message."""

    PREVIEW_IMAGE = 1
    UNENCODED_PREVIEW_IMAGE = 2
    TEXT = 3
    PREVIEW_IMAGE_WITH_METADATA = 4


Sink = Callable[[Any, Any, str | None], None]
"""`sink(event, data, sid)`: an event name with JSON data, or a number with bytes; `sid` None is for everybody."""


class PromptServer:
    """The one server of a process, as packs know it."""

    instance: "PromptServer"

    def __init__(self) -> None:
        PromptServer.instance = self
        self.routes = web.RouteTableDef()
        self.sink: Sink | None = None
        self.on_prompt_handlers: list[Callable[[dict[str, Any]], dict[str, Any]]] = []
        self.app: web.Application | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.client_id: str | None = None
        self.last_node_id: str | None = None
        self.last_prompt_id: str | None = None
        self.prompt_queue: Any = None
        self.user_manager: Any = None
        self.number = 0
        self.sockets: dict[str, Any] = {}
        self.supports: list[str] = ["custom_nodes_from_web"]
        self.web_root = ""
        self.address = "127.0.0.1"
        self.port = 8188

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        """Send from any thread; without `sid` to everybody. A number as event sends bytes."""
        if self.sink is not None:
            self.sink(event, data, sid)

    async def send(self, event: Any, data: Any, sid: str | None = None) -> None:
        """The same from a coroutine."""
        self.send_sync(event, data, sid)

    def send_progress_text(self, text: str | bytes, node_id: str, sid: str | None = None) -> None:
        """Show a text on a node: its id with its length before it, then the text."""
        body, id = (text.encode() if isinstance(text, str) else text), str(node_id).encode()
        self.send_sync(BinaryEventTypes.TEXT, len(id).to_bytes(4, "big") + id + body, sid)

    def add_on_prompt_handler(self, handler: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Have a function change each submitted prompt before it is looked at."""
        self.on_prompt_handlers.append(handler)

    def changed_by_handlers(self, body: dict[str, Any]) -> dict[str, Any]:
        """What handlers, one after the other, make of a submitted body. One that fails is logged and left out."""
        for handler in self.on_prompt_handlers:
            try:
                made: Any = handler(body)
            except Exception:
                log.warning("a prompt goes on without %s, which failed on it", _name(handler), exc_info=True)
                continue
            if isinstance(made, dict):
                body = made
            else:
                what = type(made).__name__
                log.warning("a prompt goes on without %s: it should return the body, not %s", _name(handler), what)
        return body


def _name(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__}.{getattr(handler, '__qualname__', type(handler).__name__)}"


PromptServer()
