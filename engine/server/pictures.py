"""Pictures converted for clients: smaller files, or some of their channels."""

import io
from pathlib import Path
from typing import NamedTuple

from engine.node.deferred import deferred

with deferred():
    from PIL import Image, ImageOps

_QUALITY = 90


class Unreadable(ValueError):
    """The file is no picture."""


class TooLarge(ValueError):
    """The picture has more pixels than may be opened."""


class Picture(NamedTuple):
    """A picture's bytes and their media type."""

    data: bytes
    type: str


def converted(path: Path, preview: str | None, channel: str, most_pixels: int) -> Picture:
    """A picture as a preview (`webp;90`, `jpeg`), without alpha (`rgb`), or its alpha alone (`a`).

    Raises Unreadable and TooLarge, and FileNotFoundError for one that is gone.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > most_pixels:
                size = f"{image.width} x {image.height}"
                raise TooLarge(f"{path.name} has {size} pixels; at most {most_pixels} are opened")
            image.load()
            if preview is not None:
                return _preview(image, preview, channel)
            return _png(image.convert("RGB") if channel == "rgb" else _alpha(image))
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(f"{path.name} cannot be read as a picture") from error


def masked(original: Path, mask: bytes, most_pixels: int) -> bytes:
    """A PNG of a picture's colours with the alpha of another of any size; the picture's texts stay.

    Raises Unreadable and TooLarge.
    """
    try:
        with Image.open(original) as image, Image.open(io.BytesIO(mask)) as drawn:
            for each in (image, drawn):
                if each.width * each.height > most_pixels:
                    raise TooLarge(f"a picture of {each.width} x {each.height} pixels is not opened")
            texts = dict(getattr(image, "text", {}))
            colours = ImageOps.exif_transpose(image).convert("RGBA")
            alpha = drawn.convert("RGBA").getchannel("A")
            colours.putalpha(alpha if alpha.size == colours.size else alpha.resize(colours.size))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable("the mask and the picture it belongs to must both be pictures") from error
    return _png(colours, texts).data


def _preview(image: "Image.Image", wanted: str, channel: str) -> Picture:
    kind, _, quality = wanted.partition(";")
    kind = "webp" if kind != "jpeg" or "a" in channel else "jpeg"
    made = io.BytesIO()
    shown = image.convert("RGB") if kind == "jpeg" or channel == "rgb" else image
    shown.save(made, kind, quality=min(max(int(quality), 1), 100) if quality.isdigit() else _QUALITY)
    return Picture(made.getvalue(), f"image/{kind}")


def _alpha(image: "Image.Image") -> "Image.Image":
    alpha = image.convert("RGBA").getchannel("A")
    black = Image.new("L", image.size)
    return Image.merge("RGBA", (black, black, black, alpha))


def _png(image: "Image.Image", texts: dict[str, str] | None = None) -> Picture:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for name, text in (texts or {}).items():
        info.add_text(name, text)
    made = io.BytesIO()
    image.save(made, "png", pnginfo=info, compress_level=4)
    return Picture(made.getvalue(), "image/png")
