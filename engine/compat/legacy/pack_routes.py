"""Routes that packs add: served on loopback by the process that loaded the packs, for the server to pass requests to.

Only who knows the secret is answered: it goes from the process to its server and to nobody else.
"""

import asyncio
import hmac
import secrets
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from engine.compat.legacy.server import PromptServer
from engine.compat.pack_calls import LARGEST_BODY, SECRET


@dataclass(frozen=True)
class Served:
    """Where the routes of packs are served, and which there are: method and path, as aiohttp writes them."""

    port: int
    secret: str
    routes: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        return {"port": self.port, "secret": self.secret, "routes": self.routes}


def serve() -> Served | None:
    """Serve what packs have added so far, from a thread of its own; None if they have added nothing."""
    routes = [each for each in PromptServer.instance.routes if isinstance(each, web.RouteDef)]
    if not routes:
        return None
    secret = secrets.token_urlsafe(24)
    app = web.Application(middlewares=[_asks_for(secret)], client_max_size=LARGEST_BODY)
    app.add_routes(routes)
    loop = asyncio.new_event_loop()
    PromptServer.instance.app, PromptServer.instance.loop = app, loop
    started: asyncio.Future[int] = loop.create_future()
    up = threading.Event()

    async def start() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.set_result(runner.addresses[0][1])
        up.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(start())
        loop.run_forever()

    threading.Thread(target=run, name="routes of packs", daemon=True).start()
    up.wait()
    return Served(started.result(), secret, tuple((each.method, each.path) for each in routes))


def _asks_for(secret: str) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def check(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get(SECRET, "").encode(), secret.encode()):
            raise web.HTTPForbidden
        return await handler(request)

    return check
