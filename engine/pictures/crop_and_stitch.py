"""A part of a picture cut out around a mask, for a model to paint at its own size, and laid back with a soft seam."""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.device import room
from engine.pictures.resample import repeat_batch, resize, resize_mask

_STEP = 8  # pixels that a mask grows by at once: a disc that grows by discs stays one, and large ones take long


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; it may reach beyond the picture that it is of."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Stitch:
    """What was cut out of where: whole pictures (B, H, W, C), the share of the new (B, H, W), and a box for each."""

    pictures: Tensor
    weights: Tensor
    boxes: tuple[Box, ...]


class Cropped(NamedTuple):
    stitch: Stitch
    images: Tensor  # (B, height, width, 3 or 4)
    mask: Tensor  # (B, height, width)


@dataclass(frozen=True)
class Around:
    """How much is cut out around a mask, in pixels of the picture.

    The mask is grown by `grow`, and fades out over `seam` more. The cut is `context` times as large as that, and has at
    least `padding` more on every side.
    """

    grow: int
    seam: int
    context: float
    padding: int


def crop(images: Tensor, mask: Tensor, width: int, height: int, around: Around, *, keeps_empty: bool) -> Cropped:
    """Cut out of each image (B, H, W, C) what lies around its mask, at `width` x `height`.

    Every image has a box of its own, of the aspect that is asked for; where the picture is too small for it, its border
    goes on. An empty mask cuts the whole picture, and nothing of it will be changed, or raises ValueError.
    """
    room.require(f"{len(images)} crops of {width} x {height}", len(images), height, width, 4)
    images = images.expand(-1, -1, -1, 3) if images.shape[-1] == 1 else images
    planes = repeat_batch(resize_mask(mask.to(images), images.shape[2], images.shape[1])[:, 0], images.shape[0])
    weights = torch.stack([torch.from_numpy(_softened(each, around)) for each in planes.cpu().numpy()]).to(images)
    boxes: list[Box] = []
    for number, each in enumerate(weights):
        if not each.any() and not keeps_empty:
            which = "the mask" if len(weights) == 1 else f"mask {number + 1} of {len(weights)}"
            msg = f"{which} selects nothing: paint what is to be painted anew, or have empty masks keep the picture"
            raise ValueError(msg)
        boxes.append(_box(each.cpu().numpy(), width / height, around))
    largest = max(boxes, key=lambda box: box.height * box.width)
    room.require(
        f"{len(images)} cuts of {largest.width} x {largest.height}", len(images), largest.height, largest.width, 4
    )
    stitch = Stitch(images, weights, tuple(boxes))
    cut = [_cut(each, box) for each, box in zip(images, boxes, strict=True)]
    cut_masks = [_cut(each[..., None], box) for each, box in zip(weights, boxes, strict=True)]
    return Cropped(
        stitch,
        torch.cat([_scaled(each, width, height) for each in cut]),
        torch.cat([_scaled(each, width, height) for each in cut_masks])[..., 0],
    )


def stitch(stitch: Stitch, painted: Tensor) -> Tensor:
    """The pictures with what was painted (n, h, w, C) in place of what was cut out; n is a multiple of their number.

    Where nothing was to be changed, all bits stay. An alpha stays as it is.
    """
    count = len(stitch.boxes)
    if len(painted) % count:
        msg = (
            f"{len(painted)} painted images do not go with {count} that were cropped: their number is no multiple of it"
        )
        raise ValueError(msg)
    height, width = stitch.pictures.shape[1:3]
    pictures = repeat_batch(stitch.pictures, len(painted)).clone()
    for number, (picture, new) in enumerate(zip(pictures, painted.to(pictures), strict=True)):
        box, weights = stitch.boxes[number % count], stitch.weights[number % count, ..., None]
        part = _scaled(new, box.width, box.height)[0, ..., :3]
        rows = slice(max(0, box.top), min(height, box.top + box.height))
        columns = slice(max(0, box.left), min(width, box.left + box.width))
        part = part[rows.start - box.top : rows.stop - box.top, columns.start - box.left : columns.stop - box.left]
        old, share = picture[rows, columns, :3], weights[rows, columns]
        picture[rows, columns, :3] = torch.where(share > 0, share * part + (1 - share) * old, old)
    return pictures


def _softened(mask: np.ndarray, around: Around) -> np.ndarray:
    """A mask (H, W) that is grown, and fades out beyond that; at the border of the picture it does not fade."""
    reach = ceil(around.seam / 2)
    grown = mask.clip(0, 1)
    for start in range(0, around.grow + reach, _STEP):
        radius = min(_STEP, around.grow + reach - start)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        grown = cv2.dilate(grown, disc)
    if reach:
        grown = cv2.GaussianBlur(grown, (2 * reach + 1,) * 2, reach / 2, borderType=cv2.BORDER_REPLICATE)
    return grown


def _box(weights: np.ndarray, aspect: float, around: Around) -> Box:
    """The box around what counts (H, W), of this aspect, inside the picture as far as it fits."""
    rows, columns = np.flatnonzero(weights.any(1)), np.flatnonzero(weights.any(0))
    if not len(rows):
        rows, columns, around = np.arange(weights.shape[0]), np.arange(weights.shape[1]), Around(0, 0, 1.0, 0)
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    height = max(tall * around.context, tall + 2 * around.padding)
    width = max(wide * around.context, wide + 2 * around.padding)
    height, width = ceil(max(height, width / aspect)), ceil(max(width, height * aspect))
    top = _inside((rows[0] + rows[-1] + 1 - height) // 2, height, weights.shape[0])
    left = _inside((columns[0] + columns[-1] + 1 - width) // 2, width, weights.shape[1])
    return Box(top, left, height, width)


def _inside(start: int, length: int, whole: int) -> int:
    """Where a stretch begins that lies in 0..whole, or covers it if it is longer; as near to `start` as can be."""
    return int(min(max(start, min(0, whole - length)), max(0, whole - length)))


def _cut(picture: Tensor, box: Box) -> Tensor:
    """What lies in a box of a picture (H, W, C); beyond its border the border goes on."""
    rows = torch.arange(box.top, box.top + box.height).clamp(0, picture.shape[0] - 1)
    columns = torch.arange(box.left, box.left + box.width).clamp(0, picture.shape[1] - 1)
    return picture[rows.to(picture.device)][:, columns.to(picture.device)]


def _scaled(picture: Tensor, width: int, height: int) -> Tensor:
    """A picture (H, W, C) at another size, (1, height, width, C): smaller by areas, larger by cubic curves."""
    planes = picture.movedim(-1, 0)[None]
    if planes.shape[2:] == (height, width):
        return picture[None]
    method = "area" if height < planes.shape[2] else "bicubic"
    return resize(planes, width, height, method).clamp(0, 1).movedim(1, -1)
