"""The server's figures, in the text format of Prometheus or that of OpenMetrics."""

import asyncio

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from engine.server.asker import require_admin
from engine.server.desk import DESK

routes = web.RouteTableDef()


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """What the server counts and measures of itself."""
    require_admin(request, "read the figures of the server, which tell of all users")
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    body = await asyncio.to_thread(encode, request.app[DESK].metrics.registry)
    return web.Response(body=body, headers={"Content-Type": content_type})
