"""What ran and ended."""

import asyncio

from aiohttp import web

from engine.queue.job import Record
from engine.server.asker import Asker, asker_of
from engine.server.bodies import raw_json, read_object, texts, whole_number
from engine.server.desk import DESK
from engine.server.discretion import discreet_record
from engine.server.job_json import history

routes = web.RouteTableDef()


@routes.get("/history")
async def show_history(request: web.Request) -> web.Response:
    """Entries by id, oldest first; `max_items` and `offset` take a part of them."""
    newest = whole_number(request, "max_items", None)
    offset = whole_number(request, "offset", 0) or 0
    if newest is not None and newest < 0:
        newest = None
    read, asker = request.app[DESK].store.read, asker_of(request)
    return raw_json(await asyncio.to_thread(lambda: _history(asker, read.history(newest, offset, asker.user))))


@routes.get("/history/{id}")
async def show_entry(request: web.Request) -> web.Response:
    """One entry by its id, or none."""
    asker = asker_of(request)
    record = request.app[DESK].store.read.record(request.match_info["id"], asker.user)
    ran = record is not None and record.job.ended is not None and record.job.started is not None
    return raw_json(_history(asker, [record] if record is not None and ran else []))


@routes.post("/history")
async def change_history(request: web.Request) -> web.Response:
    """Forget entries: all (`clear`) or some (`delete`)."""
    desk, user, body = request.app[DESK], asker_of(request).user, await read_object(request)
    if body.get("clear"):
        await asyncio.wrap_future(desk.store.forget(None, user))
    if "delete" in body:
        await asyncio.wrap_future(desk.store.forget(texts(body["delete"], "delete"), user))
    return web.Response()


def _history(asker: Asker, records: list[Record]) -> str:
    return history(records if asker.sees_inside else [discreet_record(each) for each in records])
