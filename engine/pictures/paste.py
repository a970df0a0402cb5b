"""One picture laid into another: the part that overlaps, through a mask."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.pictures.resample import as_planes, repeat_batch, resize


def overlap(size: tuple[int, int], source: tuple[int, int], x: int, y: int) -> tuple[slice, slice, slice, slice]:
    """Where a source (height, width) at (x, y) meets a picture of `size`: its rows and columns, and the source's."""
    top, left = max(0, y), max(0, x)
    bottom, right = min(size[0], y + source[0]), min(size[1], x + source[1])
    bottom, right = max(top, bottom), max(left, right)
    return slice(top, bottom), slice(left, right), slice(top - y, bottom - y), slice(left - x, right - x)


def paste(destination: Tensor, source: Tensor, x: int, y: int, mask: Tensor | None = None) -> Tensor:
    """Lay `source` (b, C, h, w) over a copy of `destination` (B, C, H, W) with its corner at (x, y).

    `mask`, of any size, is fitted to the source; 1 takes the source, 0 leaves the destination. Batches of source and
    mask are repeated to that of the destination.
    """
    source = repeat_batch(source, destination.shape[0]).to(destination)
    rows, columns, source_rows, source_columns = overlap(
        (destination.shape[-2], destination.shape[-1]), (source.shape[-2], source.shape[-1]), x, y
    )
    part = source[..., source_rows, source_columns]
    result = destination.clone()
    if mask is None:
        result[..., rows, columns] = part
        return result
    planes = as_planes(mask).to(destination)
    fitted = interpolate(planes, size=source.shape[-2:], mode="bilinear")
    weight = repeat_batch(fitted, destination.shape[0])[..., source_rows, source_columns]
    result[..., rows, columns] = weight * part + (1 - weight) * destination[..., rows, columns]
    return result


def matching(image: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Two images (…, C) with as many channels each: an opaque alpha is added to the one that lacks it."""
    channels = max(image.shape[-1], other.shape[-1])

    def filled(each: Tensor) -> Tensor:
        missing = channels - each.shape[-1]
        return torch.cat([each, each.new_ones(*each.shape[:-1], missing)], -1) if missing else each

    return filled(image), filled(other)


def fitted(samples: Tensor, like: Tensor, *, batch: bool = True) -> Tensor:
    """A latent (b, C, …, h, w) at the size of another, cropped around its centre; with `batch` also as many."""
    if samples.shape[1:-2] != like.shape[1:-2]:
        msg = f"a latent of {tuple(samples.shape)} does not go with one of {tuple(like.shape)}: another model's"
        raise ValueError(msg)
    if samples.shape[-2:] != like.shape[-2:]:
        samples = resize(samples, like.shape[-1], like.shape[-2], "bilinear", "center")
    return repeat_batch(samples, like.shape[0]) if batch else samples
