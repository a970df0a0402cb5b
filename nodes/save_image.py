"""Images become files with the prompt that made them inside, or go to a client; previews are temporary files."""

import math
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from engine.api import Hidden, Image, Mask, Number, Result, deferred, node
from engine.node.context import report, stop_if_cancelled
from engine.weights import folders
from engine.weights.folders import SaveTarget

with deferred():
    from engine.pictures import files as picture_files
    from engine.pictures import resample

Prompt = Annotated[dict[str, Any] | None, Hidden("PROMPT")]
ExtraInfo = Annotated[dict[str, Any] | None, Hidden("EXTRA_PNGINFO")]
_PREVIEW_COMPRESSION = 1  # looked at once: writing fast counts more than size
_EFFORT = {"default": 4, "fastest": 0, "slowest": 6}

Write = Callable[[Path], None]


@node("image", id="SaveImage", title="Save Image", is_output=True)
def save_image(
    images: Image, filename_prefix: str = "ComfyUI", prompt: Prompt = None, extra_pnginfo: ExtraInfo = None
) -> Result:
    """Save images as PNG files in the output folder."""
    return _saved(images, filename_prefix, "output", 4, picture_files.metadata(prompt, extra_pnginfo))


@node("image", id="PreviewImage", title="Preview Image", is_output=True)
def preview_image(images: Image, prompt: Prompt = None, extra_pnginfo: ExtraInfo = None) -> Result:
    """Show images without keeping them."""
    return _previewed(images, picture_files.metadata(prompt, extra_pnginfo))


@node("mask", id="MaskPreview", title="MaskPreview", is_output=True)
def mask_preview(mask: Mask, prompt: Prompt = None, extra_pnginfo: ExtraInfo = None) -> Result:
    """Show a mask without keeping it."""
    return _previewed(resample.as_planes(mask).movedim(1, -1), picture_files.metadata(prompt, extra_pnginfo))


def each_time(images: Image | None) -> float:
    """Never the same: what was sent is not kept to be sent again."""
    return math.nan


@node("api/image", id="SaveImageWebsocket", title="SaveImageWebsocket", is_output=True, fingerprint=each_time)
def send_images(images: Image) -> Result:
    """Send images as PNG to the client that asked for them, over its websocket; nothing is written to the disk."""
    pictures = list(picture_files.as_pictures(images))
    for number, picture in enumerate(pictures):
        report(number, len(pictures), ("PNG", picture, None))
    return Result()


@node("image/animation", id="SaveAnimatedPNG", title="SaveAnimatedPNG", is_output=True)
def save_animated_png(
    images: Image,
    filename_prefix: str = "ComfyUI",
    fps: Annotated[float, Number(0.01, 1000.0, step=0.01)] = 6.0,
    compress_level: Annotated[int, Number(0, 9)] = 4,
    prompt: Prompt = None,
    extra_pnginfo: ExtraInfo = None,
) -> Result:
    """Save a batch of images as one animated PNG in the output folder."""
    pictures = list(picture_files.as_pictures(images))
    texts = picture_files.metadata(prompt, extra_pnginfo)
    writer = picture_files.animated_png_writer(pictures, texts, fps, compress_level)
    target = folders.current().save_target(filename_prefix, None, images.shape[2], images.shape[1])
    return Result(ui={"images": _written(target, "output", "png", [writer]), "animated": (True,)})


@node("image/animation", id="SaveAnimatedWEBP", title="SaveAnimatedWEBP", is_output=True)
def save_animated_webp(
    images: Image,
    filename_prefix: str = "ComfyUI",
    fps: Annotated[float, Number(0.01, 1000.0, step=0.01)] = 6.0,
    *,
    lossless: bool = True,
    quality: Annotated[int, Number(0, 100)] = 80,
    method: Literal["default", "fastest", "slowest"],
    prompt: Prompt = None,
    extra_pnginfo: ExtraInfo = None,
) -> Result:
    """Save a batch of images as one animated WebP in the output folder."""
    pictures = list(picture_files.as_pictures(images))
    texts = picture_files.metadata(prompt, extra_pnginfo)
    writer = picture_files.animated_webp_writer(pictures, texts, fps, lossless, quality, _EFFORT[method])
    target = folders.current().save_target(filename_prefix, None, images.shape[2], images.shape[1])
    return Result(ui={"images": _written(target, "output", "webp", [writer]), "animated": (len(pictures) > 1,)})


def _previewed(images: Image, texts: dict[str, str]) -> Result:
    """Previews get a name of their own each time, so that no client shows an old one from its cache."""
    return _saved(images, f"preview_{secrets.token_hex(4)}", "temp", _PREVIEW_COMPRESSION, texts)


def _saved(images: Image, prefix: str, kind: str, compress_level: int, texts: dict[str, str]) -> Result:
    width, height = (images.shape[2], images.shape[1]) if images.ndim == 4 else (0, 0)
    target = folders.current().save_target(prefix, folders.current().directory(kind), width, height)
    pictures = picture_files.as_pictures(images)
    writers = (picture_files.png_writer(picture, texts, compress_level) for picture in pictures)
    return Result(ui={"images": _written(target, kind, "png", writers)})


def _written(target: SaveTarget, kind: str, suffix: str, writers: Iterable[Write]) -> list[dict[str, str]]:
    """Write files under the next free names, and say to clients where they are."""
    shown: list[dict[str, str]] = []
    for number, write in enumerate(writers):
        stop_if_cancelled()
        path = target.write(suffix, write, number)
        shown.append({"filename": path.name, "subfolder": target.subfolder, "type": kind})
    return shown
