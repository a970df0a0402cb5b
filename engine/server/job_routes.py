"""Jobs as later frontends read them; these exist below `/api` only."""

import asyncio

from aiohttp import web

from engine.queue.states import State
from engine.server.asker import Asker, asker_of
from engine.server.bodies import is_text, read_json, refused, whole_number
from engine.server.desk import DESK, Desk
from engine.server.discretion import discreet_json, discreet_record
from engine.server.job_json import STATUS, job_json, whole_job

routes = web.RouteTableDef()
_MOST = 1000  # jobs of a page
_SORTED = {"created_at": "created", "execution_duration": "duration"}


@routes.get("/jobs")
async def list_jobs(request: web.Request) -> web.Response:
    """A page of jobs, filtered and sorted."""
    query, read = request.query, request.app[DESK].store.read
    states = _states(query.get("status"))
    limit = min(whole_number(request, "limit", 200, least=1) or 200, _MOST)
    offset = max(whole_number(request, "offset", 0) or 0, 0)
    by, order = query.get("sort_by", "created_at"), query.get("sort_order", "desc")
    if by not in _SORTED or order not in ("asc", "desc"):
        raise refused(400, "sort_by is created_at or execution_duration, sort_order is asc or desc")
    key = "created" if by == "created_at" else "duration"
    which = states, limit, offset, query.get("workflow_id"), key, order == "desc", asker_of(request).user
    jobs, total = await asyncio.to_thread(read.jobs, *which)
    failures = read.failures([job.id for job in jobs if job.state == "failed"])
    if not asker_of(request).sees_inside:
        failures = {id: discreet_json("execution_error", failure) for id, failure in failures.items()}
    shown = [job_json(job, failures.get(job.id)) for job in jobs]
    page = {"offset": offset, "limit": limit, "total": total, "has_more": offset + len(jobs) < total}
    return web.json_response({"jobs": shown, "pagination": page})


@routes.get("/jobs/{id}")
async def show_job(request: web.Request) -> web.Response:
    """One job with its workflow and, once it has ended, what it made."""
    record = request.app[DESK].store.read.record(request.match_info["id"], asker_of(request).user)
    if record is None:
        raise refused(404, "Job not found")
    return web.json_response(whole_job(record if asker_of(request).sees_inside else discreet_record(record)))


@routes.post("/jobs/cancel")
async def cancel_jobs(request: web.Request) -> web.Response:
    """Cancel several jobs, waiting or running."""
    body = await read_json(request)
    ids = body.get("job_ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        raise refused(400, 'wanted is {"job_ids": ["…"]}')
    if wrong := [each for each in ids if not each or not is_text(each)]:
        raise refused(400, "ids of jobs are texts", invalid_ids=wrong)
    cancelled = [await _cancel(request.app[DESK], id, asker_of(request)) for id in ids]
    return web.json_response({"cancelled": any(cancelled)})


@routes.post("/jobs/{id}/cancel")
async def cancel_job(request: web.Request) -> web.Response:
    """Cancel a job, waiting or running."""
    cancelled = await _cancel(request.app[DESK], request.match_info["id"], asker_of(request))
    return web.json_response({"cancelled": cancelled})


async def _cancel(desk: Desk, id: str, asker: Asker) -> bool:
    was = await asyncio.wrap_future(desk.store.cancel(id, asker.user))
    if was == "running":
        desk.pool.end_early([id])
    elif was is not None:
        desk.metrics.dropped(1)
        desk.status.tell()
    return was is not None


def _states(text: str | None) -> list[State]:
    wanted = [each.strip() for each in text.split(",")] if text else list(dict.fromkeys(STATUS.values()))
    if unknown := [each for each in wanted if each not in STATUS.values()]:
        raise refused(400, f"status {unknown[0][:40]!r} is none of {', '.join(dict.fromkeys(STATUS.values()))}")
    return [state for state, status in STATUS.items() if status in wanted]
