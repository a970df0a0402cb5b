"""Arithmetic on latents; the second one is fitted to the size and the batch of the first."""

from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Latent, Number, deferred, node

with deferred():
    import torch

    from engine.pictures import paste, resample

_AXES = {"x": -1, "y": -2, "t": -3}


@node("latent/advanced", id="LatentAdd")
def latent_add(samples1: Latent, samples2: Latent) -> Latent:
    """Add two latents."""
    first = samples1["samples"]
    return {**samples1, "samples": first + paste.fitted(samples2["samples"], first)}


@node("latent/advanced", id="LatentSubtract")
def latent_subtract(samples1: Latent, samples2: Latent) -> Latent:
    """Take the second latent from the first."""
    first = samples1["samples"]
    return {**samples1, "samples": first - paste.fitted(samples2["samples"], first)}


@node("latent/advanced", id="LatentMultiply")
def latent_multiply(samples: Latent, multiplier: Annotated[float, Number(-10.0, 10.0, step=0.01)] = 1.0) -> Latent:
    """Multiply a latent by a number."""
    return {**samples, "samples": samples["samples"] * multiplier}


@node("latent/advanced", id="LatentInterpolate")
def latent_interpolate(
    samples1: Latent, samples2: Latent, ratio: Annotated[float, Number(0.0, 1.0, step=0.01)] = 1.0
) -> Latent:
    """Mix two latents so that contrast is kept: ratio 1 is the first, 0 the second.

    The channel vectors' directions are mixed along a line and brought back to unit length, their lengths are mixed for
    themselves.
    """
    first = samples1["samples"]
    second = paste.fitted(samples2["samples"], first)
    lengths = [each.norm(dim=1, keepdim=True) for each in (first, second)]
    units = [each / length.clamp(min=1e-12) for each, length in zip((first, second), lengths, strict=True)]
    direction = units[0] * ratio + units[1] * (1 - ratio)
    direction = direction / direction.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return {**samples1, "samples": direction * (lengths[0] * ratio + lengths[1] * (1 - ratio))}


@node("_for_testing", id="LatentBlend", title="Latent Blend")
def latent_blend(
    samples1: Latent, samples2: Latent, blend_factor: Annotated[float, Number(0, 1, step=0.01)] = 0.5
) -> Latent:
    """Mix two latents: factor 1 is the first, 0 the second."""
    first = samples1["samples"]
    second = paste.fitted(samples2["samples"], first)
    return {**samples1, "samples": first * blend_factor + second * (1 - blend_factor)}


@node("latent/advanced", id="LatentConcat", spells_combo=True)
def latent_concat(samples1: Latent, samples2: Latent, dim: Literal["x", "-x", "y", "-y", "t", "-t"]) -> Latent:
    """Set two latents side by side, one above the other or one after the other; with a minus the second comes first."""
    first, second = samples1["samples"], samples2["samples"]
    axis = _axis(first, dim.removeprefix("-"))
    count = max(first.shape[0], second.shape[0])
    pair = [resample.repeat_batch(each, count) for each in (first, second)]
    sizes = [[n for i, n in enumerate(each.shape) if i != each.ndim + axis] for each in pair]
    if sizes[0] != sizes[1]:
        msg = f"latents of {tuple(first.shape)} and {tuple(second.shape)} cannot be joined along {dim}: sides differ"
        raise ValueError(msg)
    return {**samples1, "samples": torch.cat(pair[::-1] if dim.startswith("-") else pair, dim=axis)}


@node("latent/advanced", id="LatentCut", spells_combo=True)
def latent_cut(
    samples: Latent,
    dim: Literal["x", "y", "t"],
    index: Annotated[int, Number(-MAX_RESOLUTION, MAX_RESOLUTION, step=1)] = 0,
    amount: Annotated[int, Number(1, MAX_RESOLUTION, step=1)] = 1,
) -> Latent:
    """Cut a strip out of a latent, in cells (or frames); a negative index counts from the end."""
    latent = samples["samples"]
    axis = _axis(latent, dim)
    size = latent.shape[axis]
    start = min(index, size - 1) if index >= 0 else max(0, size + index)
    return {**samples, "samples": latent.narrow(axis, start, min(amount, size - start)).clone()}


def _axis(latent: "torch.Tensor", dim: str) -> int:
    if dim == "t" and latent.ndim < 5:
        msg = f"a latent of shape {tuple(latent.shape)} has no time axis: choose x or y"
        raise ValueError(msg)
    return _AXES[dim]
