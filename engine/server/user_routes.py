"""Settings and files of the user: workflows that were saved, bookmarks, styles."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.server.accounts import NoAccount
from engine.server.asker import asker_of, require_admin
from engine.server.bodies import read_json, read_object, refused
from engine.server.desk import DESK
from engine.server.paths import inside, make_folder, type_of
from engine.weights.write_whole import written_whole

routes = web.RouteTableDef()
_SETTINGS = "comfy.settings.json"
_WRITING = threading.Lock()


@routes.get("/users")
async def show_users(request: web.Request) -> web.Response:
    """Where files are kept, and, where there are several users, who the asking one is."""
    asker = asker_of(request)
    if asker.user is not None:
        return web.json_response({"storage": "server", "users": {asker.user: asker.name}})
    return web.json_response({"storage": "server", "migrated": _home(request).exists()})


@routes.post("/users")
async def add_user(request: web.Request) -> web.Response:
    """Make an account; its token is in the header of the answer, and nowhere else."""
    accounts = request.app[DESK].accounts
    if accounts is None:
        raise refused(400, "this server has one user: start it with --multi-user")
    require_admin(request, "make accounts")
    name = (await read_object(request)).get("username")
    if not isinstance(name, str):
        raise refused(400, 'say how the user is called: {"username": "Ann"}')
    try:
        account, token = accounts.add(name)
    except NoAccount as error:
        raise refused(400, str(error)) from error
    return web.json_response(account.id, headers={"Heddle-Token": token, "Cache-Control": "no-store"})


@routes.get("/settings")
async def show_settings(request: web.Request) -> web.Response:
    """All settings."""
    return web.json_response(_settings(_home(request)))


@routes.get("/settings/{id}")
async def show_setting(request: web.Request) -> web.Response:
    """One setting, or null."""
    return web.json_response(_settings(_home(request)).get(request.match_info["id"]))


@routes.post("/settings")
async def change_settings(request: web.Request) -> web.Response:
    """Change some settings."""
    await asyncio.to_thread(_change, _home(request), await read_object(request))
    return web.Response()


@routes.post("/settings/{id}")
async def change_setting(request: web.Request) -> web.Response:
    """Change one setting: the body is its value."""
    await asyncio.to_thread(_change, _home(request), {request.match_info["id"]: await read_json(request)})
    return web.Response()


@routes.get("/userdata")
async def list_files(request: web.Request) -> web.Response:
    """The files below a folder, relative to it."""
    query = request.query
    if not query.get("dir"):
        raise web.HTTPBadRequest(text="dir is missing: the folder whose files to list")
    folder = inside(_home(request), query["dir"].strip("/"))
    if not folder.is_dir():
        raise web.HTTPNotFound(text=f"there is no folder {query['dir'][:80]!r}")
    paths = sorted(each for each in folder.glob("**/*" if _is_true(query.get("recurse")) else "*") if each.is_file())
    names = [each.relative_to(folder).as_posix() for each in paths]
    if _is_true(query.get("full_info")):
        shown: list[Any] = [_info(path, name) for path, name in zip(paths, names, strict=True)]
    elif _is_true(query.get("split")):
        shown = [[name, *name.split("/")] for name in names]
    else:
        shown = list(names)
    return web.json_response(shown)


@routes.get("/v2/userdata")
async def list_tree(request: web.Request) -> web.Response:
    """All folders and files below a path, relative to the user's folder."""
    home, wanted = _home(request), request.query.get("path", "").strip("/")
    folder = inside(home, wanted) if wanted else home
    if not folder.exists():
        if not wanted:
            return web.json_response([])  # a user who has kept nothing yet
        raise web.HTTPNotFound(text=f"there is no folder {wanted[:80]!r}")
    if not folder.is_dir():
        raise web.HTTPBadRequest(text=f"{wanted[:80]!r} is no folder")
    return web.json_response(await asyncio.to_thread(lambda: list(_tree(home, folder))))


@routes.get("/userdata/{file}")
async def read_file(request: web.Request) -> web.StreamResponse:
    """One file."""
    path = inside(_home(request), request.match_info["file"])
    if not path.is_file():
        raise web.HTTPNotFound
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    if path.name == "user.css":
        headers = {"X-Content-Type-Options": "nosniff", "Content-Type": "text/css"}
    elif type_of(path) != "application/json":
        headers["Content-Type"] = "application/octet-stream"
    return web.FileResponse(path, headers=headers)


@routes.post("/userdata/{file}")
async def write_file(request: web.Request) -> web.Response:
    """Keep a file: the body is what is in it."""
    home = _home(request)
    path = inside(home, request.match_info["file"])
    if path.exists() and (request.query.get("overwrite") == "false" or path.is_dir()):
        raise web.HTTPConflict(text=f"{path.name} is there already")
    data = await request.read()
    await asyncio.to_thread(_write, path, data)
    return web.json_response(_told(request, home, path))


@routes.delete("/userdata/{file}")
async def delete_file(request: web.Request) -> web.Response:
    """Delete a file."""
    path = inside(_home(request), request.match_info["file"])
    if not path.is_file():
        raise web.HTTPNotFound
    path.unlink()
    return web.Response(status=204)


@routes.post("/userdata/{file}/move/{dest}")
async def move_file(request: web.Request) -> web.Response:
    """Give a file another name."""
    home = _home(request)
    source, target = (inside(home, request.match_info[each]) for each in ("file", "dest"))
    if not source.is_file():
        raise web.HTTPNotFound
    if target.exists() and (request.query.get("overwrite") == "false" or target.is_dir()):
        raise web.HTTPConflict(text=f"{target.name} is there already")
    make_folder(target.parent)
    source.replace(target)
    return web.json_response(_told(request, home, target))


def _home(request: web.Request) -> Path:
    return request.app[DESK].folders.user / asker_of(request).home


def _settings(home: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((home / _SETTINGS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _change(home: Path, changes: Mapping[str, Any]) -> None:
    with _WRITING:
        _write(home / _SETTINGS, json.dumps({**_settings(home), **changes}, indent=4).encode())


def _write(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    with written_whole(path) as temporary:
        temporary.write_bytes(data)


def _told(request: web.Request, home: Path, path: Path) -> Any:
    name = path.relative_to(home).as_posix()
    return _info(path, name) if _is_true(request.query.get("full_info")) else name


def _info(path: Path, name: str) -> dict[str, Any]:
    state = path.stat()
    times = {"modified": int(state.st_mtime * 1000), "created": int(state.st_ctime * 1000)}
    return {"path": name, "size": state.st_size, **times}


def _tree(home: Path, folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*"), key=lambda each: (each.is_file(), each.as_posix())):
        where = {"name": path.name, "path": path.relative_to(home).as_posix()}
        if path.is_dir():
            yield {**where, "type": "directory"}
        elif path.is_file():
            state = path.stat()
            yield {**where, "type": "file", "size": state.st_size, "modified": state.st_mtime}


def _is_true(text: str | None) -> bool:
    return (text or "").lower() in ("true", "1")
