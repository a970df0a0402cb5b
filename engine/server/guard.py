"""Who may ask: names and origins are checked, a token where one is set, and errors tell no secrets."""

import errno
import hmac
import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from engine.queue.schema import StoreError
from engine.server.accounts import Account, Accounts
from engine.server.asker import Asker, is_near, note
from engine.server.bodies import refused
from engine.server.discretion import without_paths

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
COOKIE = "heddle_token"
_HOST = re.compile(r"(\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:@/\\\s]+))(:\d*)?")
_READING = ("GET", "HEAD", "OPTIONS")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_OPEN = ("/login", "/healthz", "/api/healthz")  # asked without a token


@dataclass(frozen=True)
class Guard:
    """What is let through. `hosts` are names, besides addresses of this machine, under which it may be asked."""

    hosts: Collection[str] = ()
    origins: Collection[str] = ()  # of other pages that may ask
    token: str | None = None
    debug: bool = False
    accounts: Accounts | None = None  # of several users; their tokens are the only ones then

    @property
    def wants_token(self) -> bool:
        return self.token is not None or self.accounts is not None

    def middlewares(self) -> list[Callable[..., Awaitable[web.StreamResponse]]]:
        """In the order of their asking."""
        return [self._errors(), self._doors()]

    def _doors(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self.knows_host(request.host):
                raise web.HTTPForbidden(
                    text=f"this server is not called {request.host[:80]!r}: start it with --allow-host"
                )
            origin = request.headers.get("Origin")
            if not self.knows_origin(origin, request):
                raise web.HTTPForbidden(text="a page of another origin may not ask: start with --allow-origin")
            if request.method == "OPTIONS":
                return self._with_cors(web.Response(), origin)
            note(request, self.asker(request))
            return self._with_cors(await handler(request), origin)

        return check

    def _errors(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                return await handler(request)
            except web.HTTPException:
                raise
            except StoreError as error:
                log.error("%s %s: %s", request.method, request.path, error)
                is_own = self.debug or (self.accounts is None and is_near(request))
                raise refused(507, str(error) if is_own else without_paths(str(error))) from error
            except (ConnectionResetError, web.RequestPayloadError):
                raise web.HTTPBadRequest(text="the request ended too early") from None
            except HttpProcessingError as error:  # inside a form
                raise web.HTTPBadRequest(text=f"the request cannot be read: {error.message[:200]}") from None
            except Exception as error:
                if isinstance(error, OSError) and error.errno in _FULL:
                    log.error("%s %s: %s", request.method, request.path, error)
                    raise refused(507, "the server's disk is full: free some space, and ask again") from error
                log.exception("%s %s failed", request.method, request.path)
                text = f"{type(error).__name__}: {error}" if self.debug else "the server failed; its log says why"
                raise web.HTTPInternalServerError(text=f"500\n{text}") from error

        return answer

    def knows_host(self, host: str) -> bool:
        """Whether a Host header names this server: by an address, as localhost, or as it was told."""
        name = _host_name(host)
        if name == "localhost" or name.endswith(".localhost") or name in self.hosts or "*" in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # a page that rebinds a name of its own cannot know this one

    def knows_origin(self, origin: str | None, request: web.Request) -> bool:
        """Whether the page that asks is this server's own, or one that was allowed. Programs send no origin."""
        if origin is None:
            is_foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
            return not (is_foreign and (request.method not in _READING or _is_socket(request)))
        if origin in self.origins or "*" in self.origins:
            return True
        asked = urlsplit(origin)
        mine = urlsplit(f"//{request.host}")
        try:
            ports = {asked.port, mine.port} - {None}
        except ValueError:
            return False
        return asked.hostname is not None and asked.hostname == mine.hostname and len(ports) < 2

    def asker(self, request: web.Request) -> Asker:
        """Who asks, by the token in a header, a cookie, or, for websockets, in the address. Raises 401 and 403."""
        inside = self.debug or is_near(request)
        if request.path in _OPEN:
            return Asker(user="", is_admin=False) if self.accounts is not None else Asker(sees_inside=inside)
        if self.accounts is not None:
            account = self._account(request)
            sees = self.debug or (inside and account.is_admin)
            return Asker(account.id, account.name, account.is_admin, account.key, sees)
        if self.token is not None and not any(self.is_token(each) for each in _tokens(request)):
            raise _no_token()
        return Asker(sees_inside=inside)

    def _account(self, request: web.Request) -> Account:
        assert self.accounts is not None
        account = self.accounts.of_token(next(iter(_tokens(request)), ""))
        if account is None:
            raise _no_token()
        if request.headers.get("Comfy-User") not in (None, "", account.id):
            raise refused(403, "the Comfy-User header names another user than the token")
        return account

    def is_token(self, text: str) -> bool:
        """Whether this is a token that somebody may show; compared in constant time."""
        if self.accounts is not None:
            return self.accounts.of_token(text) is not None
        return self.token is not None and hmac.compare_digest(text.encode(), self.token.encode())

    def _with_cors(self, response: web.StreamResponse, origin: str | None) -> web.StreamResponse:
        if origin is not None and (origin in self.origins or "*" in self.origins) and not response.prepared:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Methods"] = "POST, GET, DELETE, PUT, OPTIONS, PATCH"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Vary"] = "Origin"
        return response


def login(guard: Guard) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route that turns a token in the address into a cookie."""

    async def route(request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        if guard.wants_token and not guard.is_token(token):
            raise web.HTTPUnauthorized(text="this is neither the token that the server printed nor that of a user")
        response = web.HTTPFound("/")
        if guard.wants_token:
            response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.secure)
        return response

    return route


def _tokens(request: web.Request) -> list[str]:
    """The tokens that a request shows, those that were put into it on purpose before the cookie."""
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = [bearer if kind.lower() == "bearer" else ""]
    if _is_socket(request):
        given.append(request.query.get("token", ""))
    return [each for each in (*given, request.cookies.get(COOKIE, "")) if each]


def _no_token() -> web.HTTPException:
    return web.HTTPUnauthorized(text="a token is needed: Authorization: Bearer …, or open /login?token=…")


def _is_socket(request: web.Request) -> bool:
    return request.path in ("/ws", "/api/ws")


def _host_name(host: str) -> str:
    found = _HOST.fullmatch(host)
    return (found["address"] or found["name"]).lower() if found else ""
