"""Masks (B, H, W) in 0..1, 1 where selected: grown, feathered, fitted to pictures."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor


def grow(mask: Tensor, steps: int, *, tapered: bool = True) -> Tensor:
    """Dilate a mask (B, H, W) by so many pixels, or erode it where `steps` is negative; tapered leaves corners out."""
    corner = 0 if tapered else 1
    footprint = np.array([[corner, 1, corner], [1, 1, 1], [corner, 1, corner]])
    change = ndimage.grey_dilation if steps > 0 else ndimage.grey_erosion
    grown: list[Tensor] = []
    for each in mask.reshape(-1, *mask.shape[-2:]).float().cpu().numpy():
        now = each
        for _ in range(abs(steps)):
            before, now = now, change(now, footprint=footprint)
            if np.array_equal(before, now):
                break
        grown.append(torch.from_numpy(np.array(now)))
    return torch.stack(grown)


def feather(mask: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """Fade a mask (B, H, W) in from its sides over so many pixels.

    At the right and the bottom the first factor falls on column and row 0, as it does in the ecosystem's reference
    host: index minus nought is nought. Workflows made there depend on it.
    """
    faded = mask.reshape(-1, *mask.shape[-2:]).clone()
    height, width = faded.shape[-2:]
    left, right = min(left, width), min(right, width)
    top, bottom = min(top, height), min(bottom, height)
    for x in range(left):
        faded[:, :, x] *= (x + 1) / left
    for x in range(right):
        faded[:, :, -x] *= (x + 1) / right
    for y in range(top):
        faded[:, y, :] *= (y + 1) / top
    for y in range(bottom):
        faded[:, -y, :] *= (y + 1) / bottom
    return faded


def ramps(height: int, width: int, feather: int, sides: tuple[bool, bool, bool, bool]) -> Tensor:
    """Weights (height, width) that rise from 1/feather to 1 over the first cells behind each side that is named.

    `sides` says left, top, right, bottom.
    """
    weights = torch.ones(height, width)
    left, top, right, bottom = sides
    for t in range(feather):
        factor = (t + 1) / feather
        if left and t < width:
            weights[:, t] *= factor
        if right and t < width:
            weights[:, width - 1 - t] *= factor
        if top and t < height:
            weights[t] *= factor
        if bottom and t < height:
            weights[height - 1 - t] *= factor
    return weights
