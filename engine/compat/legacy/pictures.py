"""Tensors to image files: PNG with the prompt inside, animated PNG and WebP."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from engine.weights import folders
from engine.weights.folders import SaveTarget

_PROMPT_TAG, _FIRST_EXTRA_TAG = 0x0110, 0x010F  # the EXIF fields that the ecosystem keeps its metadata in


def as_pictures(images: Tensor) -> Iterator[Image.Image]:
    """(B, H, W, C) in 0..1 as 8-bit pictures; masks (B, H, W) as grey ones."""
    for image in images:
        pixels = (image.detach().cpu().float() * 255).clamp(0, 255).byte().numpy()
        yield Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)


def text_chunks(prompt: Any, extra_pnginfo: Mapping[str, Any] | None) -> dict[str, str]:
    """The metadata of a run as texts by name."""
    chunks = {} if prompt is None else {"prompt": json.dumps(prompt)}
    return chunks | {name: json.dumps(value) for name, value in (extra_pnginfo or {}).items()}


def save_pngs(
    images: Tensor, prefix: str, directory: Path, chunks: Mapping[str, str], compress_level: int = 4
) -> list[tuple[str, str]]:
    """Write each image (B, H, W, C) as a PNG of its own; gives (file name, sub-folder) for each."""
    target = folders.current().save_target(prefix, directory, images.shape[2], images.shape[1])
    info = PngInfo()
    for name, text in chunks.items():
        info.add_text(name, text)
    saved: list[tuple[str, str]] = []
    for number, picture in enumerate(as_pictures(images)):

        def write(path: Path, picture: Image.Image = picture) -> None:
            picture.save(path, "PNG", pnginfo=info if chunks else None, compress_level=compress_level)

        saved.append(_written(target, number, "png", write))
    return saved


def save_animation(
    images: Tensor,
    prefix: str,
    directory: Path,
    chunks: Mapping[str, str],
    fps: float,
    suffix: str,
    **options: Any,
) -> tuple[str, str]:
    """Write the images (B, H, W, C) as one animation, `png` or `webp`; gives its file name and sub-folder."""
    target = folders.current().save_target(prefix, directory, images.shape[2], images.shape[1])
    first, *others = as_pictures(images)
    if suffix == "webp":
        options["exif"] = _exif(first, chunks)
    elif chunks:
        info = PngInfo()
        for name, text in chunks.items():
            info.add_text(name, text)
        options["pnginfo"] = info
    duration = float(1000 / Fraction(fps))  # milliseconds of one frame

    def write(path: Path) -> None:
        first.save(path, save_all=True, append_images=others, duration=duration, **options)

    return _written(target, 0, suffix, write)


def _exif(picture: Image.Image, chunks: Mapping[str, str]) -> bytes:
    exif = picture.getexif()
    tag = _FIRST_EXTRA_TAG
    for name, text in chunks.items():
        if name == "prompt":
            exif[_PROMPT_TAG] = f"prompt:{text}"
        else:
            exif[tag] = f"{name}:{text}"
            tag -= 1
    return exif.tobytes()


def _written(target: SaveTarget, number: int, suffix: str, write: Any) -> tuple[str, str]:
    return target.write(suffix, write, number).name, target.subfolder
