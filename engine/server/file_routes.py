"""Pictures and other files that workflows take and make."""

from functools import partial
from pathlib import Path

from aiohttp import web

from engine.server.desk import DESK, Desk
from engine.server.paths import is_active, made_file, read_found, safe_headers, type_of
from engine.server.pictures import TooLarge, Unreadable, converted
from engine.weights.folders import split_annotation
from engine.weights.staging import STAGED

routes = web.RouteTableDef()
_AT_ONCE = 64 << 20  # bytes of a file of a running job that are read before they are sent


@routes.get("/view")
async def view(request: web.Request) -> web.StreamResponse:
    """A file, as it is or as a smaller or partial picture."""
    desk, query = request.app[DESK], request.query
    find = partial(_found, desk, query.get("filename"), query.get("type", "output"), query.get("subfolder", ""))
    path = find()
    preview, channel = query.get("preview"), query.get("channel", "rgba")
    content_type = type_of(path)
    shown = "application/octet-stream" if is_active(content_type) else content_type
    headers = {**safe_headers(path, content_type), "Content-Type": shown}
    is_plain = preview is None and channel not in ("rgb", "a")
    if is_plain and not _is_read_at_once(path):
        return web.FileResponse(path, headers=headers)
    try:
        if is_plain:
            return web.Response(body=await read_found(find, Path.read_bytes), headers=headers)
        picture = await read_found(find, lambda each: converted(each, preview, channel, desk.bounds.pixels))
    except FileNotFoundError as error:
        raise web.HTTPNotFound from error
    except (Unreadable, TooLarge) as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error
    return web.Response(
        body=picture.data, content_type=picture.type, headers=safe_headers(path.with_suffix(".png"), picture.type)
    )


def _is_read_at_once(path: Path) -> bool:
    """Whether a file is better read than sent from where it lies, as it may be published before it is sent."""
    try:
        return STAGED in path.as_posix() and path.stat().st_size <= _AT_ONCE
    except FileNotFoundError:
        return True


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
