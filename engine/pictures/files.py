"""Pictures on disk: read with their orientation and transparency, written with what made them inside."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from engine.device import room

_NO_MASK = 64  # side of the empty mask of a picture without transparency
_FIRST_EXIF_TAG = 0x010F  # Make: free texts go here and downwards
_PROMPT_EXIF_TAG = 0x0110  # Model
_ONE_PICTURE = ("MPO", "JPEG")  # formats whose further frames are previews of the first, not pictures


class Picture(NamedTuple):
    """The frames of a file as a batch: image (B, H, W, 3) in 0..1, mask (B, H, W), 1 where transparent.

    Without transparency the mask is zeros of 64 x 64, one per frame.
    """

    image: Tensor
    mask: Tensor


def read_picture(path: Path) -> Picture:
    """Read a picture file, upright; frames of another size than the first are left out.

    Raises FileNotFoundError, or ValueError for what is no picture, is broken or is too large to be meant.
    """
    frames = list(_frames(path))
    image = torch.stack([_colours(frame) for frame in frames])
    masks = [_transparency(frame) for frame in frames]
    if all(mask is None for mask in masks):
        return Picture(image, torch.zeros(len(frames), _NO_MASK, _NO_MASK))
    opaque = torch.zeros(image.shape[1:3])
    return Picture(image, torch.stack([opaque if mask is None else mask for mask in masks]))


def read_channel(path: Path, channel: str) -> Tensor:
    """One channel of a picture file's first frame as a mask (1, H, W): "red", "green", "blue", or "alpha".

    "alpha" is 1 where the picture is transparent; without transparency it is zeros of 64 x 64.
    """
    frame = next(_frames(path, only_first=True))
    if channel == "alpha":
        mask = _transparency(frame)
        return (torch.zeros(_NO_MASK, _NO_MASK) if mask is None else mask)[None]
    return _colours(frame)[..., ("red", "green", "blue").index(channel)][None].clone()


def as_pictures(images: Tensor) -> Iterator[Image.Image]:
    """Images (B, H, W, C) in 0..1, C being 1, 3 or 4, one by one in 8 bits; values are cut off, not rounded."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        msg = f"pictures have the shape (batch, height, width, 1, 3 or 4), not {tuple(images.shape)}"
        raise ValueError(msg)
    for image in images:
        values = (image.detach().float().cpu() * 255).clamp(0, 255).to(torch.uint8).numpy()
        yield Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)


class _Wish:
    writes_metadata = True


def write_metadata(wanted: bool) -> None:
    """Whether files saved by this process tell what made them."""
    _Wish.writes_metadata = wanted


def metadata(prompt: Mapping[str, Any] | None, extra: Mapping[str, Any] | None) -> dict[str, str]:
    """What is written into a file: key -> JSON in ASCII. `prompt` first, then each key of `extra`.

    Nothing at all where the user wants no metadata.
    """
    if not _Wish.writes_metadata:
        return {}
    texts = {} if prompt is None else {"prompt": json.dumps(prompt)}
    return texts | {str(key): json.dumps(value) for key, value in (extra or {}).items()}


def png_writer(picture: Image.Image, texts: Mapping[str, str], compress_level: int = 4) -> Callable[[Path], None]:
    """How to write one PNG with a text chunk for each key."""
    info = PngInfo()
    for key, text in _writable(texts):
        info.add_text(key, text)
    return lambda path: picture.save(path, format="PNG", pnginfo=info, compress_level=compress_level)


def animated_png_writer(
    pictures: Sequence[Image.Image], texts: Mapping[str, str], fps: float, compress_level: int
) -> Callable[[Path], None]:
    """How to write an animated PNG; its texts stand in `comf` chunks after the frames."""
    info = PngInfo()
    for key, text in _writable(texts):
        info.add(b"comf", key.encode("latin-1") + b"\0" + text.encode("latin-1"), after_idat=True)
    first, *rest = pictures
    return lambda path: first.save(
        path,
        format="PNG",
        pnginfo=info,
        compress_level=compress_level,
        save_all=True,
        append_images=rest,
        duration=int(1000 / fps),
    )


def animated_webp_writer(
    pictures: Sequence[Image.Image], texts: Mapping[str, str], fps: float, lossless: bool, quality: int, effort: int
) -> Callable[[Path], None]:
    """How to write an animated WebP; its texts stand in EXIF tags. `effort` is WebP's method, 0 to 6."""
    exif = first_exif(pictures[0], texts)
    first, *rest = pictures
    return lambda path: first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=rest,
        duration=int(1000 / fps),
        lossless=lossless,
        quality=quality,
        method=effort,
        exif=exif,
    )


def first_exif(picture: Image.Image, texts: Mapping[str, str]) -> Image.Exif:
    """EXIF with one `key:text` per tag: the prompt as Model, the others as Make and the tags before it."""
    exif = picture.getexif()
    tag = _FIRST_EXIF_TAG
    for key, text in texts.items():
        if key == "prompt":
            exif[_PROMPT_EXIF_TAG] = f"{key}:{text}"
        else:
            exif[tag] = f"{key}:{text}"
            tag -= 1
    return exif


def _writable(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The texts whose keys a PNG can hold: 1 to 79 Latin-1 characters."""
    for key, text in texts.items():
        if 0 < len(key) < 80 and "\0" not in key and all(ord(letter) < 256 for letter in key):
            yield key, text
        else:
            logging.getLogger(__name__).warning("left out of the file: a text whose key is not fit for PNG: %r", key)


def _frames(path: Path, *, only_first: bool = False) -> Iterator[Image.Image]:
    """The upright frames of a file, those that have the size of the first."""
    try:
        with Image.open(path) as picture:
            count = 1 if only_first or picture.format in _ONE_PICTURE else getattr(picture, "n_frames", 1)
            what = f"{path.name} ({picture.width} x {picture.height}, {count} frames)"
            room.require(what, count, picture.height, picture.width, 4)
            size = None
            for _, frame in zip(range(count), ImageSequence.Iterator(picture), strict=False):
                frame.load()
                upright = ImageOps.exif_transpose(frame)
                size = size or upright.size
                if upright.size == size:
                    yield upright
    except FileNotFoundError:
        raise
    except UnidentifiedImageError:
        msg = f"{path.name} is not a picture in a format that can be read"
        raise ValueError(msg) from None
    except Image.DecompressionBombError as error:
        msg = f"{path.name} is too large to be a picture: {error}"
        raise ValueError(msg) from None
    except (OSError, SyntaxError, EOFError) as error:
        msg = f"{path.name} is broken and cannot be read as a picture: {error}"
        raise ValueError(msg) from error


def _colours(frame: Image.Image) -> Tensor:
    """A frame as (H, W, 3) in 0..1; 16-bit greys keep their precision."""
    if frame.mode.startswith("I"):
        grey = torch.from_numpy(np.asarray(frame).astype(np.float32)) / 65535
        return grey.clamp(0, 1)[..., None].repeat(1, 1, 3)
    if frame.mode == "F":
        grey = torch.from_numpy(np.array(frame, dtype=np.float32))
        return grey.nan_to_num().clamp(0, 1)[..., None].repeat(1, 1, 3)
    return torch.from_numpy(np.array(frame.convert("RGB"))).float() / 255


def _transparency(frame: Image.Image) -> Tensor | None:
    """One minus the alpha of a frame (H, W), or None where it has none."""
    if not frame.has_transparency_data:
        return None
    alpha = frame if frame.mode in ("RGBA", "LA") else frame.convert("RGBA")
    return 1 - torch.from_numpy(np.array(alpha.getchannel("A"))).float() / 255
