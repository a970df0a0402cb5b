"""All routes of a server, with and without the prefix that the ecosystem's frontends use."""

from collections.abc import Iterable

from aiohttp import web

from engine.server import (
    file_routes,
    history_routes,
    job_routes,
    model_routes,
    node_routes,
    openapi_route,
    pages,
    queue_routes,
    socket_route,
    system_routes,
    upload_routes,
    user_routes,
)
from engine.server.desk import DESK, Desk
from engine.server.guard import Guard, login

PREFIX = "/api"
_BOTH = (
    queue_routes,
    history_routes,
    node_routes,
    file_routes,
    upload_routes,
    model_routes,
    user_routes,
    socket_route,
    system_routes,
    openapi_route,
)


def make_app(desk: Desk, guard: Guard) -> web.Application:
    """The application that serves a desk."""
    app = web.Application(middlewares=guard.middlewares(), client_max_size=desk.bounds.upload)
    app[DESK] = desk
    for module in _BOTH:
        app.add_routes(module.routes)
        app.add_routes(_prefixed(module.routes))
    app.add_routes(_prefixed(job_routes.routes))
    app.add_routes(system_routes.internal)
    app.router.add_get("/login", login(guard))
    app.add_routes(pages.routes)
    return app


def _prefixed(routes: Iterable[web.AbstractRouteDef]) -> list[web.RouteDef]:
    return [
        web.RouteDef(each.method, PREFIX + each.path, each.handler, each.kwargs)
        for each in routes
        if isinstance(each, web.RouteDef)
    ]
