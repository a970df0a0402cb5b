"""Pictures and masks made ready for inpainting and outpainting."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from engine.device import room
from engine.diffusion.vae import crop_to_cells
from engine.pictures.resample import as_planes, repeat_batch, resize_mask


class Prepared(NamedTuple):
    """Pixels (B, H, W, C) as the encoder gets them, those before the holes were filled, and the mask (B, 1, H, W)."""

    pixels: Tensor
    original: Tensor
    mask: Tensor


def prepare(pixels: Tensor, mask: Tensor, factor: int = 8) -> Prepared:
    """Fit a mask to pixels (B, H, W, C), crop both to latent cells, and fill what is to be repainted with grey.

    The mask stays soft; the grey goes where it rounds to 1.
    """
    planes = resize_mask(mask.to(pixels), pixels.shape[2], pixels.shape[1])
    original = crop_to_cells(pixels, factor)
    planes = crop_to_cells(planes.movedim(1, -1), factor).movedim(-1, 1)
    holes = repeat_batch(planes.round(), pixels.shape[0]).movedim(1, -1)
    return Prepared((original - 0.5) * (1 - holes) + 0.5, original, planes)


def widened(mask: Tensor, grow: int) -> Tensor:
    """The noise mask of a prepared mask (B, 1, H, W): grown by a box of `grow` pixels and rounded."""
    if grow == 0:
        return mask.round()
    planes = as_planes(mask)
    box = torch.ones(1, 1, grow, grow, dtype=mask.dtype, device=mask.device)
    grown = conv2d(planes.round(), box, padding=-((1 - grow) // 2)).clamp(0, 1)
    return grown[..., : mask.shape[-2], : mask.shape[-1]].round()


class Padded(NamedTuple):
    image: Tensor  # (B, H, W, C)
    mask: Tensor  # (1, H, W)


def pad(image: Tensor, left: int, top: int, right: int, bottom: int, feathering: int) -> Padded:
    """Widen an image (B, H, W, C) by grey borders, and mask these; the mask fades into the picture."""
    count, height, width, channels = image.shape
    tall, wide = height + top + bottom, width + left + right
    room.require(f"padding {count} pictures to {wide} x {tall}", count, tall, wide, channels)
    padded = image.new_full((count, tall, wide, channels), 0.5)
    padded[:, top : top + height, left : left + width] = image
    mask = torch.ones(1, tall, wide)
    mask[:, top : top + height, left : left + width] = _fade(height, width, (left, top, right, bottom), feathering)
    return Padded(padded, mask)


def _fade(height: int, width: int, borders: tuple[int, int, int, int], feathering: int) -> Tensor:
    """((f - d) / f)^2 for the distance d < f to the nearest padded side; zeros where the picture is too small."""
    if feathering == 0 or feathering * 2 >= min(height, width):
        return torch.zeros(height, width)
    left, top, right, bottom = borders
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    distance = torch.full((height, width), feathering)
    for is_padded, steps in (left, columns), (top, rows), (right, width - columns), (bottom, height - rows):
        if is_padded:
            distance = torch.minimum(distance, steps.expand(height, width))
    return ((feathering - distance) / feathering) ** 2
