"""Files that clients bring."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from aiohttp import BodyPartReader, web

from engine.server.bodies import refused
from engine.server.desk import DESK, Desk
from engine.server.paths import directory_of, inside, made_file, make_folder
from engine.server.pictures import TooLarge, Unreadable, masked
from engine.weights.folders import split_annotation
from engine.weights.write_whole import written_whole

routes = web.RouteTableDef()


_LEAST = 256  # bytes that a part of a form counts besides what is in it


class Upload(NamedTuple):
    """A form with one file."""

    name: str
    data: bytes
    fields: dict[str, str]


@routes.post("/upload/image")
async def upload_image(request: web.Request) -> web.Response:
    """Keep a file among the inputs, or as `type` says."""
    desk, upload = request.app[DESK], await _read(request)
    return web.json_response(await asyncio.to_thread(_kept, desk, upload, upload.data))


@routes.post("/upload/mask")
async def upload_mask(request: web.Request) -> web.Response:
    """Keep a picture whose alpha is that of the upload and whose colours are those of `original_ref`."""
    desk, upload = request.app[DESK], await _read(request)
    original = _original(desk, upload.fields.get("original_ref"))
    try:
        data = await asyncio.to_thread(masked, original, upload.data, desk.bounds.pixels)
    except (Unreadable, TooLarge) as error:
        raise refused(400, str(error)) from error
    return web.json_response(await asyncio.to_thread(_kept, desk, upload, data))


async def _read(request: web.Request) -> Upload:
    """The form. Raises 400 and 413."""
    if not request.content_type.startswith("multipart/"):
        raise refused(400, "an upload is a multipart form with a file called image")
    fields: dict[str, str] = {}
    file: tuple[str, bytes] | None = None
    most, size = request.app[DESK].bounds.upload, 0
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            data = await part.read(decode=True)
            size += len(data) + _LEAST
            if size > most:
                raise web.HTTPRequestEntityTooLarge(most, size)
            if part.name == "image" and part.filename:
                file = part.filename, bytes(data)
            elif part.name:
                fields[part.name] = data.decode()
    except (ValueError, AssertionError) as error:
        raise refused(400, f"the form cannot be read: {error}") from error
    if file is None:
        raise refused(400, "the form has no file called image, or one without a name")
    return Upload(*file, fields)


def _kept(desk: Desk, upload: Upload, data: bytes) -> dict[str, str]:
    """Write the file under its name, or beside another of that name. Raises 400 and 409."""
    kind = upload.fields.get("type", "input")
    directory = directory_of(desk.folders, kind)
    subfolder = upload.fields.get("subfolder", "").strip("/")
    name = PurePosixPath(upload.name.replace("\\", "/")).name
    try:
        folder = inside(directory, subfolder) if subfolder else directory
        path = inside(folder, name)
    except web.HTTPForbidden as error:
        raise refused(400, "the name and folder of an upload must be inside its directory") from error
    make_folder(folder)
    overwrite = upload.fields.get("overwrite") in ("true", "1")
    if not overwrite:
        path = _unlike(path, data)
    elif path.is_dir():
        raise web.HTTPConflict(text=f"{name[:80]!r} cannot be written: a folder has this name")
    if overwrite or not path.exists():
        with written_whole(path) as temporary:
            temporary.write_bytes(data)
    return {"name": path.name, "subfolder": subfolder, "type": kind}


def _unlike(path: Path, data: bytes) -> Path:
    """The name itself if it is free or holds the same bytes; else `name (1).png` and so on."""
    mine = hashlib.sha256(data).digest()
    other: Callable[[int], Path] = lambda count: path.with_name(f"{path.stem} ({count}){path.suffix}")  # noqa: E731
    count, found = 0, path
    while found.is_dir() or found.exists() and hashlib.sha256(found.read_bytes()).digest() != mine:
        count += 1
        found = other(count)
    return found


def _original(desk: Desk, text: str | None) -> Path:
    try:
        reference: Any = json.loads(text or "")
        name, annotated = split_annotation(str(reference["filename"]))
        kind, subfolder = annotated or str(reference.get("type", "output")), str(reference.get("subfolder") or "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refused(400, 'original_ref is JSON: {"filename": …, "subfolder": …, "type": …}') from error
    path = made_file(desk.folders, kind, subfolder, name, [])
    if path is None:
        raise refused(404, f"{name[:80]!r} is not there to be masked")
    return path
