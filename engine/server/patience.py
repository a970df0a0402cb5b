"""How long a client may take to send a body: one that trickles is cut off and holds no connection for nothing.

How long the head of a request may take, and how long a connection may stand idle, is the runner's `keepalive_timeout`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """In seconds, and bytes per second."""

    idle: float = 60.0  # for the head of a request, and between requests
    grace: float = 30.0  # for a body, however slow
    rate: float = 1024.0  # of a body on average, after that

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Ends the connection of a client whose body comes too slowly."""

        @web.middleware
        async def watch(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            if request.content.is_eof():
                return await handler(request)
            watching = asyncio.create_task(self._end_if_slow(request))
            try:
                return await handler(request)
            finally:
                watching.cancel()

        return watch

    async def _end_if_slow(self, request: web.Request) -> None:
        taken = 0.0
        while not request.content.is_eof() and request.content.total_bytes >= self.rate * (taken - self.grace):
            await asyncio.sleep(1.0)
            taken += 1.0
        if not request.content.is_eof() and request.transport is not None:
            log.warning("%s sends a body too slowly and is cut off", request.remote)
            request.transport.abort()
