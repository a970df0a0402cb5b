"""Who asks: found once at the door, from the token alone, and read by every route."""

import ipaddress
from dataclasses import dataclass

from aiohttp import web

from engine.server.bodies import refused

_KEY = "heddle.asker"
_PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@dataclass(frozen=True)
class Asker:
    """The user of a request. Without accounts there is one, to whom everything belongs (`user` is None)."""

    user: str | None = None
    name: str = ""
    is_admin: bool = True
    key: str = ""  # of the token that was shown
    sees_inside: bool = False  # may be told where files lie and where in the program something failed

    @property
    def owner(self) -> str:
        """Under which name the queue keeps this user's jobs."""
        return self.user or ""

    @property
    def home(self) -> str:
        """The name of the folder that keeps this user's files."""
        return self.user or "default"


def note(request: web.Request, asker: Asker) -> None:
    """Remember who asks."""
    request[_KEY] = asker


def asker_of(request: web.Request) -> Asker:
    """Who asks."""
    return request[_KEY]


def require_admin(request: web.Request, what: str) -> None:
    """Raises 403 for all but administrators; a server's only user is one."""
    if not asker_of(request).is_admin:
        raise refused(403, f"only an administrator may {what}")


def is_near(request: web.Request) -> bool:
    """Whether the client is a program on this machine, and asks for nobody else."""
    if any(name in request.headers for name in _PASSED_ON):
        return False
    try:
        return ipaddress.ip_address((request.remote or "").partition("%")[0]).is_loopback
    except ValueError:
        return False
