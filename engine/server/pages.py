"""The browser's pages: the frontend that was chosen, else the canvas, else a page that says that there is none."""

from html import escape
from pathlib import Path

from aiohttp import web

from engine.server.asker import asker_of
from engine.server.desk import DESK, Desk
from engine.server.paths import inside, type_of

routes = web.RouteTableDef()
_FRESH = {"Cache-Control": "no-store, must-revalidate", "Pragma": "no-cache", "Expires": "0"}
_CANVAS = Path(__file__).parent / "canvas"  # made of `web/` when the package is built
_BUILT = "assets"  # its files there have a hash of what they hold in their names
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # nodes are placed by style attributes
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_NONE = """<!doctype html><meta charset="utf-8"><title>Heddle</title>
<style>body {{ font: 16px/1.5 system-ui; max-width: 40em; margin: 4em auto; padding: 0 1em }}</style>
<h1>Heddle {version}</h1>
<p>The server is up, {waiting} jobs wait or run. The canvas was not built: <code>pip install .</code> builds it. Clients
of the HTTP and websocket interface work. <code>heddle serve --frontend stock</code> serves the ecosystem's browser
frontend, which Heddle's extra <code>stock-frontend</code> installs, and <code>--frontend FOLDER</code> one from a
folder of static files.</p>
"""


@routes.get("/")
async def index(request: web.Request) -> web.StreamResponse:
    """The first page of the frontend."""
    desk = request.app[DESK]
    if desk.frontend is not None:
        return web.FileResponse(desk.frontend / "index.html", headers=_FRESH)
    if not (_CANVAS / "index.html").is_file():
        version, waiting = desk.system()["heddle_version"], desk.store.read.remaining(asker_of(request).user)
        text = _NONE.format(version=escape(str(version)), waiting=waiting)
        return web.Response(text=text, content_type="text/html", headers=_FRESH)
    return web.FileResponse(_CANVAS / "index.html", headers={**_SAFE, **_FRESH})


@routes.route("*", "/{path:.+}")
async def page(request: web.Request) -> web.StreamResponse:
    """What a pack answers, or a file of the frontend; there is no page for what is not there."""
    answer = await request.app[DESK].types.routes.answer(request)
    if answer is not None:
        return answer
    if others := await _methods(request):
        raise web.HTTPMethodNotAllowed(request.method, sorted(others))
    if request.method not in ("GET", "HEAD"):
        raise web.HTTPNotFound
    path = _found(request.app[DESK], request.match_info["path"].rstrip("/"))
    if path is None:
        raise web.HTTPNotFound
    if path.is_dir():
        raise web.HTTPForbidden
    return web.FileResponse(path, headers={"Content-Type": type_of(path), **_told_of(path)})


def _found(desk: Desk, name: str) -> Path | None:
    """Where a page's file lies: below the frontend, or on a shelf."""
    shelf, _, rest = name.partition("/")
    places = [(folder, rest) for folder in desk.shelves.get(shelf, ())] if rest else []
    places.insert(0, (desk.frontend or _CANVAS, name))
    return next((path for folder, below in places if (path := inside(folder, below)).exists()), None)


async def _methods(request: web.Request) -> set[str]:
    """With which other methods this path could be asked."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource is not request.match_info.route.resource:
            allowed |= (await resource.resolve(request))[1]
    return allowed


def _told_of(path: Path) -> dict[str, str]:
    """The headers of a static file: what has its hash in its name never changes."""
    if path.is_relative_to(_CANVAS):
        kept = "public, max-age=31536000, immutable" if path.parent == _CANVAS / _BUILT else "no-cache"
        return {**_SAFE, "Cache-Control": kept}
    kept = "public, max-age=86400" if type_of(path).startswith(("image/", "font/")) else "no-cache"
    return {"Cache-Control": kept}
