"""The machine, the program, and what surrounds the canvas."""

import asyncio
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from engine.server.asker import asker_of
from engine.server.bodies import read_object, refused
from engine.server.desk import DESK, Desk
from engine.server.discretion import discreet_device
from engine.server.example_files import NAME, example_file, example_names
from engine.server.pack_files import template_folder, templates, translations
from engine.server.paths import inside, type_of
from engine.server.sockets import FEATURES

routes = web.RouteTableDef()
internal = web.RouteTableDef()  # without the prefix


@routes.get("/system_stats")
async def system_stats(request: web.Request) -> web.Response:
    """Memory, versions and devices."""
    desk, inside = request.app[DESK], asker_of(request).sees_inside
    known = [(lane.name, lane.device) for lane in desk.pool.lanes if lane.device is not None]
    devices = [{**told, "heddle": {"worker": name, **told["heddle"]}} for name, told in known]
    shown = [each if inside else discreet_device(each) for each in devices]
    return web.json_response({"system": desk.system(), "devices": shown})


@routes.get("/features")
async def features(_request: web.Request) -> web.Response:
    """What this server can do beyond the oldest clients."""
    return web.json_response(FEATURES)


@routes.get("/healthz")
async def healthz(_request: web.Request) -> web.Response:
    """The server is up."""
    return web.json_response({"status": "up"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """Whether a worker is up as well; 503 if not."""
    lanes = {lane.name: lane.ready for lane in request.app[DESK].pool.lanes}
    return web.json_response({"workers": lanes}, status=200 if any(lanes.values()) else 503)


@routes.get("/extensions")
async def extensions(request: web.Request) -> web.Response:
    """The scripts that packs add to the canvas."""
    return web.json_response(await asyncio.to_thread(_scripts, request.app[DESK]))


@internal.get("/extensions/{pack}/{path:.*}")
async def extension_file(request: web.Request) -> web.StreamResponse:
    """A file of a pack's folder for browsers."""
    folder = request.app[DESK].types.web.get(request.match_info["pack"])
    if folder is None:
        raise web.HTTPNotFound
    path = inside(folder, request.match_info["path"])
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Content-Type": type_of(path), "Cache-Control": "no-cache"})


@routes.get("/i18n")
async def show_translations(request: web.Request) -> web.Response:
    """What packs translate."""
    return web.json_response(await asyncio.to_thread(translations, _packs(request.app[DESK])))


@routes.get("/workflow_templates")
async def show_templates(request: web.Request) -> web.Response:
    """The example workflows that come along, and those of packs."""
    found = await asyncio.to_thread(templates, _packs(request.app[DESK]))
    return web.json_response({NAME: example_names(), **found})


@routes.get("/workflow_templates/{pack}/{name:.*}")
async def template_file(request: web.Request) -> web.StreamResponse:
    """An example workflow, or its picture."""
    if request.match_info["pack"] == NAME and (own := example_file(request.match_info["name"])) is not None:
        return web.FileResponse(own, headers={"Content-Type": type_of(own)})
    for root in _packs(request.app[DESK]):
        folder = template_folder(inside(root, request.match_info["pack"]))
        path = inside(folder, request.match_info["name"]) if folder is not None else None
        if path is not None and path.is_file() and path.suffix in (".json", ".jpg"):
            return web.FileResponse(path, headers={"Content-Type": type_of(path)})
    raise web.HTTPNotFound


@routes.get("/global_subgraphs")
async def subgraphs(_request: web.Request) -> web.Response:
    """Subgraphs that packs share: none."""
    return web.json_response({})


@routes.get("/node_replacements")
async def replacements(_request: web.Request) -> web.Response:
    """Nodes that took the place of others: none."""
    return web.json_response({})


@internal.get("/internal/logs")
async def logs(request: web.Request) -> web.Response:
    """The last lines of the log as one text."""
    _require_insight(request)
    kept = request.app[DESK].logs.kept
    return web.json_response("".join(f"{line['t']} - {line['m']}" for line in kept))


@internal.get("/internal/logs/raw")
async def raw_logs(request: web.Request) -> web.Response:
    """The last lines of the log."""
    _require_insight(request)
    return web.json_response({"entries": list(request.app[DESK].logs.kept), "size": {"cols": 80, "rows": 24}})


@internal.patch("/internal/logs/subscribe")
async def subscribe(request: web.Request) -> web.Response:
    """Have new lines sent to a client, or not any more."""
    _require_insight(request)
    body = await read_object(request)
    id, wanted = str(body.get("clientId")), bool(body.get("enabled"))
    request.app[DESK].sockets.subscribe(id, asker_of(request), wanted)
    return web.Response()


@internal.get("/internal/folder_paths")
async def folder_paths(request: web.Request) -> web.Response:
    """Where model folders lie."""
    folders, inside = request.app[DESK].folders, asker_of(request).sees_inside
    shown = {name: entry[0] if inside else folders.shortened(entry[0]) for name, entry in folders.names.items()}
    return web.json_response({name: list(roots) for name, roots in shown.items()})


@internal.get("/internal/files/{kind}")
async def files(request: web.Request) -> web.Response:
    """The files right in the inputs, outputs or temporary files, newest first."""
    directory = request.app[DESK].folders.directory(request.match_info["kind"])
    if directory is None:
        raise refused(400, "only input, output and temp can be listed")
    found = [each for each in directory.iterdir() if each.is_file()] if directory.is_dir() else []
    shown = [each for each in found if not each.name.startswith(".")]
    return web.json_response([each.name for each in sorted(shown, key=lambda each: -each.stat().st_mtime)])


def _require_insight(request: web.Request) -> None:
    if not asker_of(request).sees_inside:
        raise refused(403, "the log is shown to clients on the server's own machine, to others with --debug")


def _scripts(desk: Desk) -> list[str]:
    found: list[str] = []
    for name, folder in desk.types.web.items():
        scripts = sorted(folder.rglob("*.js")) if folder.is_dir() else []
        found += [f"/extensions/{quote(name)}/{path.relative_to(folder).as_posix()}" for path in scripts]
    return found


def _packs(desk: Desk) -> list[Path]:
    return [Path(root) for root in desk.folders.names["custom_nodes"][0]]
