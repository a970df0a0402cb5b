"""Submitting, watching and changing the queue."""

import asyncio
from typing import Any

from aiohttp import web

from engine.queue.states import WrongState
from engine.queue.store import Refused
from engine.server.asker import asker_of, require_admin
from engine.server.bodies import raw_json, read_object, refused, texts
from engine.server.desk import DESK
from engine.server.discretion import discreet_answer
from engine.server.job_json import queue_item
from engine.server.submit import NotTaken, submit

routes = web.RouteTableDef()


@routes.get("/prompt")
async def remaining(request: web.Request) -> web.Response:
    """How many jobs wait or run."""
    left = request.app[DESK].store.read.remaining(asker_of(request).user)
    return web.json_response({"exec_info": {"queue_remaining": left}})


@routes.post("/prompt")
async def queue_prompt(request: web.Request) -> web.Response:
    """Queue a workflow; answer with its id once it is on the disk, or with what is wrong with it."""
    body = await read_object(request)
    asker = asker_of(request)
    try:
        taken = await submit(request.app[DESK], body, asker, request.headers.get("Idempotency-Key"))
        status, answer = 200, taken.answer
    except NotTaken as reason:
        status, answer = reason.status, reason.answer
    return web.json_response(answer if asker.sees_inside else discreet_answer(answer), status=status)


@routes.get("/queue")
async def show_queue(request: web.Request) -> web.Response:
    """What runs and what waits, as queue items."""
    read, user = request.app[DESK].store.read, asker_of(request).user

    def listed() -> str:
        running = ",".join(queue_item(record.item) for record in read.running(user))
        waiting = ",".join(map(queue_item, read.waiting_items(user)))
        return f'{{"queue_running":[{running}],"queue_pending":[{waiting}]}}'

    return raw_json(await asyncio.to_thread(listed))


@routes.post("/queue")
async def change_queue(request: web.Request) -> web.Response:
    """Drop waiting jobs: all (`clear`) or some (`delete`)."""
    desk, user, body = request.app[DESK], asker_of(request).user, await read_object(request)
    wanted = texts(body["delete"], "delete") if "delete" in body else []
    if wanted or body.get("clear"):
        cancelled = await asyncio.wrap_future(desk.store.cancel_waiting(None if body.get("clear") else wanted, user))
        desk.metrics.dropped(len(cancelled))
    desk.status.tell()
    return web.Response()


@routes.post("/interrupt")
async def interrupt(request: web.Request) -> web.Response:
    """Stop what runs, or one job if it runs."""
    body = await read_object(request, optional=True)
    id = body.get("prompt_id")
    await request.app[DESK].pool.interrupt(None if id is None else str(id), asker_of(request).user)
    return web.Response()


@routes.post("/free")
async def free(request: web.Request) -> web.Response:
    """Have workers let go of models, and of kept results, before their next job."""
    require_admin(request, "empty the workers' memory, which all users share")
    body = await read_object(request)
    results = bool(body.get("free_memory"))
    request.app[DESK].pool.free(models=results or bool(body.get("unload_models")), results=results)
    return web.Response()


@routes.get("/queue/state")
async def queue_state(request: web.Request) -> web.Response:
    """Whether the queue is paused, and how many jobs stand where."""
    return web.json_response(_state(request))


@routes.post("/queue/pause")
async def pause(request: web.Request) -> web.Response:
    """Let what runs end, and start nothing more."""
    require_admin(request, "pause the queue, which all users share")
    await asyncio.wrap_future(request.app[DESK].store.pause(True))
    return web.json_response(_state(request))


@routes.post("/queue/resume")
async def resume(request: web.Request) -> web.Response:
    """Go on after a pause."""
    require_admin(request, "resume the queue, which all users share")
    desk = request.app[DESK]
    await asyncio.wrap_future(desk.store.pause(False))
    desk.pool.wake()
    return web.json_response(_state(request))


@routes.post("/queue/{id}/move")
async def move(request: web.Request) -> web.Response:
    """Give a waiting job another place: `{"number": 3.5}`, or `{"front": true}`."""
    desk, body = request.app[DESK], await read_object(request)
    number = None if body.get("front") else _number(body.get("number"))
    try:
        moved = desk.store.move(request.match_info["id"], number, asker_of(request).user)
        job = await asyncio.wrap_future(moved)
    except Refused as error:
        raise refused(409, str(error)) from error
    desk.status.tell()
    return web.json_response({"prompt_id": job.id, "number": job.number})


@routes.post("/queue/{id}/retry")
async def retry(request: web.Request) -> web.Response:
    """Have a failed or cancelled job wait again."""
    desk = request.app[DESK]
    try:
        job = await asyncio.wrap_future(desk.store.retry(request.match_info["id"], asker_of(request).user))
    except (Refused, WrongState) as error:
        raise refused(409, str(error)) from error
    desk.status.tell()
    desk.pool.wake()
    return web.json_response({"prompt_id": job.id, "number": job.number})


def _number(given: Any) -> float:
    """Where a job is to stand. Raises 400."""
    try:
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return float(given)
    except OverflowError:
        pass
    raise refused(400, 'say where to: {"number": 3.5} or {"front": true}')


def _state(request: web.Request) -> dict[str, object]:
    read = request.app[DESK].store.read
    return {"paused": read.paused(), "jobs": read.counts(asker_of(request).user)}
