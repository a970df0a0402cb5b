"""All routes of a server, with and without the prefix that the ecosystem's frontends use."""

from collections.abc import Iterable

from aiohttp import web

from engine.server import (
    file_routes,
    history_routes,
    job_routes,
    metrics_route,
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
from engine.server.paths import PREFIX

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
    metrics_route,
)


def make_app(desk: Desk, guard: Guard) -> web.Application:
    """The application that serves a desk."""
    middlewares = [desk.metrics.middleware(), desk.bounds.patience.middleware(), *guard.middlewares()]
    app = web.Application(middlewares=middlewares, client_max_size=desk.bounds.upload)
    app[DESK] = desk
    app.add_routes(all_routes(guard))
    return app


def all_routes(guard: Guard) -> list[web.RouteDef]:
    """Every route there is, in the order in which they are looked through."""
    both = [each for module in _BOTH for routes in (module.routes, _prefixed(module.routes)) for each in routes]
    more = *_prefixed(job_routes.routes), *system_routes.internal, web.get("/login", login(guard)), *pages.routes
    return [each for each in (*both, *more) if isinstance(each, web.RouteDef)]


def _prefixed(routes: Iterable[web.AbstractRouteDef]) -> list[web.RouteDef]:
    return [
        web.RouteDef(each.method, PREFIX + each.path, each.handler, each.kwargs)
        for each in routes
        if isinstance(each, web.RouteDef)
    ]
