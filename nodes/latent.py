"""Latents: empty ones, other sizes, cut, turned, and laid into each other."""

from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Latent, Mask, Number, deferred, node

with deferred():
    import torch

    from engine.device import room
    from engine.pictures import masks, paste, resample

CELL = 8  # pixels along one side of a latent cell

Batch = Annotated[int, Number(1, 4096)]
Method = Literal["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]
Place = Annotated[int, Number(0, MAX_RESOLUTION, step=CELL)]


@node("latent", id="EmptyLatentImage", title="Empty Latent Image")
def empty_latent_image(
    width: Annotated[int, Number(16, MAX_RESOLUTION, step=8)] = 512,
    height: Annotated[int, Number(16, MAX_RESOLUTION, step=8)] = 512,
    batch_size: Batch = 1,
) -> Latent:
    """Start from nothing: empty latents of this size, one for each picture wanted."""
    return _empty(batch_size, 4, width, height)


@node("latent/sd3", id="EmptySD3LatentImage")
def empty_sd3_latent_image(
    width: Annotated[int, Number(16, MAX_RESOLUTION, step=16)] = 1024,
    height: Annotated[int, Number(16, MAX_RESOLUTION, step=16)] = 1024,
    batch_size: Batch = 1,
) -> Latent:
    """Start from nothing, for models with latents of 16 channels (SD3, Flux and their like)."""
    return _empty(batch_size, 16, width, height)


@node("latent", id="LatentUpscale", title="Upscale Latent")
def latent_upscale(
    samples: Latent,
    upscale_method: Method,
    *,
    width: Annotated[int, Number(0, MAX_RESOLUTION, step=8)] = 512,
    height: Annotated[int, Number(0, MAX_RESOLUTION, step=8)] = 512,
    crop: Literal["disabled", "center"],
) -> Latent:
    """Resize a latent to a size in pixels; where one side is 0, the aspect stays."""
    if width == 0 and height == 0:
        return samples
    latent = samples["samples"]
    rows, columns = latent.shape[-2:]
    width, height = resample.kept_aspect(width, height, columns, rows, least=64)
    wide, tall = max(64, width) // CELL, max(64, height) // CELL
    return {**samples, "samples": resample.resize(latent, wide, tall, upscale_method, crop)}


@node("latent", id="LatentUpscaleBy", title="Upscale Latent By")
def latent_upscale_by(
    samples: Latent, upscale_method: Method, scale_by: Annotated[float, Number(0.01, 8.0, step=0.01)] = 1.5
) -> Latent:
    """Resize a latent by a factor."""
    latent = samples["samples"]
    wide, tall = (max(1, round(latent.shape[axis] * scale_by)) for axis in (-1, -2))
    return {**samples, "samples": resample.resize(latent, wide, tall, upscale_method)}


@node("latent/transform", id="LatentCrop", title="Crop Latent")
def latent_crop(
    samples: Latent,
    width: Annotated[int, Number(64, MAX_RESOLUTION, step=8)] = 512,
    height: Annotated[int, Number(64, MAX_RESOLUTION, step=8)] = 512,
    x: Place = 0,
    y: Place = 0,
) -> Latent:
    """Cut a rectangle, given in pixels, out of a latent; at least 64 pixels of it stay."""
    latent = samples["samples"]
    left = min(x // CELL, max(0, latent.shape[-1] - 8))
    top = min(y // CELL, max(0, latent.shape[-2] - 8))
    return {**samples, "samples": latent[..., top : top + height // CELL, left : left + width // CELL]}


@node("latent/transform", id="LatentFlip", title="Flip Latent")
def latent_flip(samples: Latent, flip_method: Literal["x-axis: vertically", "y-axis: horizontally"]) -> Latent:
    """Mirror a latent, upside down or left to right."""
    axis = -2 if flip_method.startswith("x") else -1
    return {**samples, "samples": samples["samples"].flip(axis)}


@node("latent/transform", id="LatentRotate", title="Rotate Latent")
def latent_rotate(samples: Latent, rotation: Literal["none", "90 degrees", "180 degrees", "270 degrees"]) -> Latent:
    """Turn a latent clockwise."""
    turns = 0 if rotation == "none" else int(rotation.partition(" ")[0]) // 90
    return {**samples, "samples": samples["samples"].rot90(turns, (-1, -2))}


@node("latent", id="LatentComposite", title="Latent Composite")
def latent_composite(
    samples_to: Latent, samples_from: Latent, x: Place = 0, y: Place = 0, feather: Place = 0
) -> Latent:
    """Lay one latent into another at a place given in pixels, with soft edges inside the picture."""
    to, source = samples_to["samples"], samples_from["samples"]
    left, top, rows, columns = x // CELL, y // CELL, source.shape[-2], source.shape[-1]
    inside = (left > 0, top > 0, left + columns < to.shape[-1], top + rows < to.shape[-2])
    weights = masks.ramps(rows, columns, feather // CELL, inside)
    return {**samples_to, "samples": paste.paste(to, source, left, top, weights)}


@node("latent", id="LatentCompositeMasked", title="LatentCompositeMasked")
def latent_composite_masked(
    destination: Latent,
    source: Latent,
    x: Place = 0,
    y: Place = 0,
    resize_source: bool = False,
    mask: Mask | None = None,
) -> Latent:
    """Lay one latent into another through a mask, at a place given in pixels."""
    to, part = destination["samples"], source["samples"]
    if resize_source:
        part = resample.resize(part, to.shape[-1], to.shape[-2], "bilinear")
    return {**destination, "samples": paste.paste(to, part, x // CELL, y // CELL, mask)}


def _empty(batch: int, channels: int, width: int, height: int) -> Latent:
    shape = (batch, channels, height // CELL, width // CELL)
    room.require(f"an empty latent for {width} x {height} pixels, batch {batch},", *shape)
    return {"samples": torch.zeros(shape)}
