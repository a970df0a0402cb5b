"""Model files, by folder."""

import asyncio
import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.node.deferred import deferred
from engine.server.asker import asker_of
from engine.server.desk import DESK
from engine.server.paths import inside
from engine.weights.folders import Folders

with deferred():
    from PIL import Image

routes = web.RouteTableDef()
_LISTED = (
    *("checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models"),
    *("embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "custom_nodes"),
    *("hypernetworks", "photomaker", "classifiers", "model_patches", "audio_encoders"),
)
_NO_MODELS = ("configs", "custom_nodes")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
_LONGEST_HEADER = 100 * 2**20  # bytes
_MOST_PIXELS = 50_000_000  # of a picture that is opened to be made smaller


@routes.get("/models")
async def list_folders(request: web.Request) -> web.Response:
    """The names of the model folders."""
    names = request.app[DESK].folders.names
    return web.json_response(
        [*(each for each in _LISTED if each in names), *(each for each in names if each not in _LISTED)]
    )


@routes.get("/models/{folder}")
async def list_models(request: web.Request) -> web.Response:
    """The files of a folder."""
    folders, name = request.app[DESK].folders, request.match_info["folder"]
    if name not in folders.names:
        raise web.HTTPNotFound
    return web.json_response(await asyncio.to_thread(folders.files, name))


@routes.get("/embeddings")
async def list_embeddings(request: web.Request) -> web.Response:
    """The names of embeddings, without their suffixes."""
    files = await asyncio.to_thread(request.app[DESK].folders.files, "embeddings")
    return web.json_response([str(Path(each).with_suffix("")).replace("\\", "/") for each in files])


@routes.get("/experiment/models")
async def describe_folders(request: web.Request) -> web.Response:
    """The model folders with where they lie."""
    folders, inside = request.app[DESK].folders, asker_of(request).sees_inside
    shown = [(name, *entry) for name, entry in folders.names.items() if name not in _NO_MODELS]
    told = [(name, roots if inside else folders.shortened(roots), suffixes) for name, roots, suffixes in shown]
    return web.json_response(
        [{"name": name, "folders": list(roots), "extensions": sorted(suffixes)} for name, roots, suffixes in told]
    )


@routes.get("/experiment/models/{folder}")
async def describe_models(request: web.Request) -> web.Response:
    """The files of a folder with their sizes and times."""
    folders, name = request.app[DESK].folders, request.match_info["folder"]
    if name not in folders.names or name in _NO_MODELS:
        raise web.HTTPNotFound
    return web.json_response(await asyncio.to_thread(lambda: list(_described(folders, name))))


@routes.get("/experiment/models/preview/{folder}/{index}/{name:.*}")
async def preview_model(request: web.Request) -> web.Response:
    """A picture that lies beside a model, or in its metadata, as WEBP."""
    folders, info = request.app[DESK].folders, request.match_info
    roots = folders.names[info["folder"]][0] if info["folder"] in folders.names else []
    root = {str(index): root for index, root in enumerate(roots)}.get(info["index"])
    if root is None:
        raise web.HTTPNotFound
    model = inside(Path(root), info["name"])
    made = await asyncio.to_thread(_cover, model)
    if made is None:
        raise web.HTTPNotFound
    return web.Response(body=made, content_type="image/webp", headers={"X-Content-Type-Options": "nosniff"})


@routes.get("/view_metadata/{folder}")
async def view_metadata(request: web.Request) -> web.Response:
    """The metadata of a safetensors file."""
    folders, name = request.app[DESK].folders, request.match_info["folder"]
    file = request.query.get("filename", "")
    path = folders.find(name, file) if name in folders.names and file else None
    found = await asyncio.to_thread(metadata_of, path) if path is not None else None
    if not found:
        raise web.HTTPNotFound
    return web.json_response(found)


def metadata_of(path: Path) -> dict[str, Any] | None:
    """The `__metadata__` of a safetensors file; None for other files and without any."""
    if path.suffix not in (".safetensors", ".sft"):
        return None
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                return None
            return json.loads(file.read(length)).get("__metadata__")
    except (OSError, ValueError, struct.error, AttributeError):
        return None


def _described(folders: Folders, name: str) -> Any:
    roots = [Path(root) for root in folders.names[name][0]]
    for file in folders.files(name):
        path = folders.find(name, file)
        if path is None or path.name.startswith("."):
            continue
        state = path.stat()
        index = next((number for number, root in enumerate(roots) if path == root / file), 0)
        times = {"modified": state.st_mtime, "created": state.st_ctime}
        yield {"name": file, "pathIndex": index, **times, "size": state.st_size}


def _cover(model: Path) -> bytes | None:
    """The picture beside a model, or the first in its metadata, as WEBP."""
    for suffix in (*_PICTURES, *(f".preview{each}" for each in _PICTURES)):
        path = model.with_name(model.stem + suffix)
        if path.is_file():
            return _small(path)
    inside_it = _embedded(model) if model.is_file() else None
    return None if inside_it is None else _small(io.BytesIO(inside_it))


def _embedded(model: Path) -> bytes | None:
    """The first picture that a model's metadata holds, if any."""
    try:
        pictures = json.loads((metadata_of(model) or {})["ssmd_cover_images"])
        return base64.b64decode(pictures[0])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _small(source: "Path | io.BytesIO") -> bytes | None:
    try:
        with Image.open(source) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.thumbnail((512, 512))
            made = io.BytesIO()
            image.convert("RGB").save(made, "webp", quality=85)
            return made.getvalue()
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None
