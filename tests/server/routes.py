"""Every route of a server, from its own table: a test over them covers a new one without naming it."""

import re
from collections.abc import Mapping

from engine.server.guard import Guard
from engine.server.web_app import all_routes

OPEN = ("/login", "/healthz", "/api/healthz")  # asked without a token
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def every_route(values: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Method and path of each route, with values, or `x`, for the names in its path."""
    filled = [(each.method, _filled(each.path, values or {})) for each in all_routes(Guard())]
    asked = [(method, path) for known, path in filled for method in (_METHODS if known == "*" else (known,))]
    return sorted(set(asked))


def changing_routes() -> list[tuple[str, str]]:
    """The routes that change something."""
    return [(method, path) for method, path in every_route() if method != "GET"]


def _filled(path: str, values: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)(?::[^}]*)?}", lambda found: values.get(found[1], "x"), path)
