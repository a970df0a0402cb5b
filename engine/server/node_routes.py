"""What node types there are."""

import asyncio

from aiohttp import web

from engine.server.desk import DESK
from engine.server.stand_ins import with_stand_ins

routes = web.RouteTableDef()
_FRONTEND = "Comfy-User"  # a header that frontends send, and programs do not


@routes.get("/object_info")
async def show_types(request: web.Request) -> web.Response:
    """Every node type, its lists of files as they are now."""
    types = await asyncio.to_thread(request.app[DESK].types.all)
    return web.json_response(with_stand_ins(types) if _FRONTEND in request.headers else types)


@routes.get("/object_info/{class}")
async def show_type(request: web.Request) -> web.Response:
    """One node type, or none."""
    id = request.match_info["class"]
    found = await asyncio.to_thread(request.app[DESK].types.one, id)
    return web.json_response({} if found is None else {id: found})
