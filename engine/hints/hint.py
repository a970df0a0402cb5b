"""Hints of pictures, one by one: brought to a size, looked at, and given back as images."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.device import room
from engine.node.context import report, stop_if_cancelled
from engine.pictures.files import as_pictures

Detect = Callable[[np.ndarray], np.ndarray]
"""Picture (H, W, 3) in 8 bits -> its hint, of the same size."""


def hints(images: Tensor, resolution: int, detect: Detect, multiple: int = 1) -> Tensor:
    """The hint (B, h, w, 3) in 0..1 of each image (B, H, W, 1, 3 or 4); the shorter side has `resolution` pixels.

    `detect` sees sides that are multiples of `multiple`: pictures are continued beyond their border, and their hints
    are cut. What is transparent lies on white. Raises MemoryError for a size that RAM does not hold.
    """
    height, width = size(images.shape[1], images.shape[2], resolution)
    room.require(f"hints of {images.shape[0]} x {width} x {height}", images.shape[0], height, width, 3)
    made: list[np.ndarray] = []
    for picture in as_pictures(images):
        stop_if_cancelled()
        seen = resized(in_colour(np.asarray(picture)), height, width)
        down, across = -height % multiple, -width % multiple
        hint = detect(np.pad(seen, ((0, down), (0, across), (0, 0)), mode="edge"))
        made.append(hint[:height, :width])
        report(len(made), images.shape[0])
    return torch.from_numpy(np.stack(made)).float() / 255


def size(height: int, width: int, resolution: int) -> tuple[int, int]:
    """Height and width of the same aspect whose shorter one is `resolution`."""
    factor = resolution / min(height, width)
    return round(height * factor), round(width * factor)


def in_colour(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W) or (H, W, 3 or 4) as (H, W, 3); what is transparent lies on white."""
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    if picture.shape[2] == 3:
        return picture
    share = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * share + 255 * (1 - share)).round().astype(np.uint8)


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture at another size: smaller by areas, larger by Lanczos' window."""
    if picture.shape[:2] == (height, width):
        return picture
    is_smaller = height < picture.shape[0]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LANCZOS4)
