"""The one place where names that come from clients become paths."""

import asyncio
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from engine.weights.folders import Folders, contained
from engine.weights.staging import STAGED

PREFIX = "/api"  # of every route, for the ecosystem's frontends
PLAIN = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif"}  # pictures that cannot carry a script
_TYPES = {
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".svg": "image/svg+xml",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".flac": "audio/flac",
    ".opus": "audio/ogg",
}
_Read = TypeVar("_Read")
_ACTIVE = ("html", "javascript", "xml", "svg", "css", "ecmascript")


def inside(folder: Path, name: str) -> Path:
    """`folder / name`, with links followed. Raises 403 for what leads out of the folder, by name or by link."""
    try:
        path = contained(folder, name)
        resolved, root = path.resolve(), folder.resolve()
    except (ValueError, OSError, RuntimeError) as error:
        raise web.HTTPForbidden(text=f"{name[:80]!r} is not a path inside this folder") from error
    if not resolved.is_relative_to(root) or any(part == ".heddle" for part in path.relative_to(folder).parts):
        raise web.HTTPForbidden(text=f"{name[:80]!r} is not a path inside this folder")
    return path


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises 409 where a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise web.HTTPConflict(text=f"{folder.name[:80]!r} cannot be a folder: a file is in the way") from error


def directory_of(folders: Folders, kind: str) -> Path:
    """The directory that clients call input, output or temp. Raises 400 for other words."""
    found = folders.directory(kind)
    if found is None:
        raise web.HTTPBadRequest(text=f"type {kind[:40]!r} is none of input, output, temp")
    return found


def made_file(folders: Folders, kind: str, subfolder: str, name: str, leases: list[str]) -> Path | None:
    """A file by its kind, folder and name; those of running jobs are looked for in their stages too."""
    directory = directory_of(folders, kind)
    below = f"{subfolder}/{name}" if subfolder else name
    path = inside(directory, below)
    if path.is_file():
        return path
    if kind == "output":
        for lease in leases:
            staged = directory / STAGED / lease / path.relative_to(directory)
            if staged.is_file():
                return staged
        if path.is_file():  # it got its name while the stages were looked through
            return path
    return None


async def read_found(find: Callable[[], Path], read: Callable[[Path], _Read]) -> _Read:
    """Read a file in a thread; one that was published meanwhile is looked for once more."""
    path = find()
    try:
        return await asyncio.to_thread(read, path)
    except Exception:
        if path.exists():
            raise
    return await asyncio.to_thread(read, find())


def type_of(path: Path) -> str:
    """The media type of a file by its name, the same on every system."""
    suffix = path.suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def is_active(content_type: str) -> bool:
    """Whether a browser would run what is in a file of this type."""
    return any(word in content_type for word in _ACTIVE)


def safe_headers(path: Path, content_type: str) -> dict[str, str]:
    """Headers under which a client's file cannot act in the server's name, whatever is in it."""
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    quoted = path.name.replace("\\", "\\\\").replace('"', '\\"').encode("ascii", "replace").decode()
    if path.suffix.lower() in PLAIN:
        return {**headers, "Content-Disposition": f'filename="{quoted}"'}
    if content_type.partition("/")[0] in ("audio", "video"):
        return {**headers, "Content-Disposition": f'filename="{quoted}"', "Content-Security-Policy": "sandbox"}
    return {**headers, "Content-Disposition": f'attachment; filename="{quoted}"', "Cache-Control": "no-store"}
