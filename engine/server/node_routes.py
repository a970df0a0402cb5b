"""What node types there are."""

import asyncio

from aiohttp import web

from engine.server.desk import DESK

routes = web.RouteTableDef()


@routes.get("/object_info")
async def show_types(request: web.Request) -> web.Response:
    """Every node type, its lists of files as they are now."""
    return web.json_response(await asyncio.to_thread(request.app[DESK].types.all))


@routes.get("/object_info/{class}")
async def show_type(request: web.Request) -> web.Response:
    """One node type, or none."""
    id = request.match_info["class"]
    found = await asyncio.to_thread(request.app[DESK].types.one, id)
    return web.json_response({} if found is None else {id: found})
