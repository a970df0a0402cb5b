"""The websocket's door."""

import uuid
from typing import Any

from aiohttp import web

from engine.server.asker import asker_of
from engine.server.bodies import whole_number
from engine.server.desk import DESK
from engine.server.sockets import Socket

routes = web.RouteTableDef()
_LONGEST_ID = 200


@routes.get("/ws")
async def connect(request: web.Request) -> web.StreamResponse:
    """Open a websocket: `clientId` names the client, `since` the last message that it saw."""
    desk = request.app[DESK]
    bounds, remote = desk.bounds, request.remote or ""
    if len(desk.sockets) >= bounds.sockets:
        raise web.HTTPServiceUnavailable(text=f"{bounds.sockets} websockets are open, which is as many as may")
    if desk.sockets.count_from(remote) >= bounds.sockets_of_one:
        few = f"{bounds.sockets_of_one} websockets are open from this address, which is as many as may"
        raise web.HTTPTooManyRequests(text=few)
    since = whole_number(request, "since", None)
    asker = asker_of(request)
    id = request.query.get("clientId", "")[:_LONGEST_ID] or uuid.uuid4().hex
    if desk.sockets.belongs_to_another(id, asker):
        raise web.HTTPForbidden(text="another user has a websocket with this clientId")
    connection = web.WebSocketResponse(max_msg_size=bounds.message, heartbeat=30)
    await connection.prepare(request)
    first: list[tuple[str, Any]] = [("status", {**desk.status.as_json(asker.user), "sid": id})]
    for job in desk.pool.running():
        if job.client_id == id and asker.user in (None, job.user):
            first += desk.reporter.first_of(job)
    socket = Socket(id, connection, since is not None, asker, remote, bounds.messages)
    if request.transport is not None:
        socket.cut = request.transport.abort
    socket.change = desk.status.changes  # its first message tells of all so far
    await desk.sockets.serve(socket, first, since)
    return connection
