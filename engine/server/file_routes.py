"""Pictures and other files that workflows take and make."""

import asyncio
from functools import partial
from pathlib import Path

from aiohttp import web

from engine.server.desk import DESK, Desk
from engine.server.paths import is_active, made_file, safe_headers, type_of
from engine.server.pictures import TooLarge, Unreadable, converted
from engine.weights.folders import split_annotation

routes = web.RouteTableDef()


@routes.get("/view")
async def view(request: web.Request) -> web.StreamResponse:
    """A file, as it is or as a smaller or partial picture."""
    desk, query = request.app[DESK], request.query
    named = partial(_found, desk, query.get("filename"), query.get("type", "output"), query.get("subfolder", ""))
    path = named()
    preview, channel = query.get("preview"), query.get("channel", "rgba")
    if preview is None and channel not in ("rgb", "a"):
        content_type = type_of(path)
        shown = "application/octet-stream" if is_active(content_type) else content_type
        return web.FileResponse(path, headers={**safe_headers(path, content_type), "Content-Type": shown})
    bounds = desk.bounds.pixels
    try:
        try:
            picture = await asyncio.to_thread(converted, path, preview, channel, bounds)
        except FileNotFoundError:  # its job ended meanwhile, and it got its name
            picture = await asyncio.to_thread(converted, named(), preview, channel, bounds)
    except FileNotFoundError as error:
        raise web.HTTPNotFound from error
    except (Unreadable, TooLarge) as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error
    return web.Response(
        body=picture.data, content_type=picture.type, headers=safe_headers(path.with_suffix(".png"), picture.type)
    )


def _found(desk: Desk, name: str | None, kind: str, subfolder: str) -> Path:
    """The file that a query means. Raises 404, 400 and 403 as the protocol has them."""
    if name is None:
        raise web.HTTPNotFound
    name, annotated = split_annotation(name)
    if not name or name.startswith("/") or ".." in name:
        raise web.HTTPBadRequest
    leases = [job.lease for job in desk.pool.running()]
    path = made_file(desk.folders, annotated or kind, subfolder, name.replace("\\", "/").rpartition("/")[2], leases)
    if path is None:
        raise web.HTTPNotFound
    return path
