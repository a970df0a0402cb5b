"""Latents of unit size: a scale that is folded into an autoencoder's weights, so that nobody has to know of it.

SD 1.x multiplies latents by 0.18215 before its UNet sees them. An autoencoder made for it should give latents whose
channels have mean 0 and standard deviation 1 / 0.18215. The convolutions on both sides of the latent take that up.
"""

from typing import Any

import torch
from torch import Tensor

from engine.diffusion.latent_format import SD15


def wanted_deviation() -> float:
    """The standard deviation that SD 1.x expects of latents."""
    assert isinstance(SD15.scale, float)
    return 1 / SD15.scale


@torch.no_grad()
def fold(autoencoder: Any, mean: Tensor, scale: Tensor) -> None:
    """Let the autoencoder give latents (z - mean) * scale, mean and scale (C,), and decode what they stand for.

    Pictures that go through it stay what they were: `decode((z - mean) * scale)` is the old `decode(z)`. In place.
    Raises ValueError for an autoencoder without the two convolutions, and for a scale that is not above 0.
    """
    into, out_of = autoencoder.quant_conv, autoencoder.post_quant_conv
    if into is None or out_of is None:
        raise ValueError("this autoencoder has no convolutions beside its latent (quant_conv, post_quant_conv)")
    if not (scale.isfinite() & (scale > 0)).all():
        msg = f"latents cannot be scaled by {scale.tolist()}: each factor should be above 0"
        raise ValueError(msg)
    channels = len(scale)
    mean, scale = mean.to(into.weight), scale.to(into.weight)
    into.weight[:channels] *= scale[:, None, None, None]
    into.bias[:channels] = (into.bias[:channels] - mean) * scale
    into.bias[channels:] += 2 * scale.log()  # the logarithms of the variances
    out_of.bias += out_of.weight[:, :, 0, 0] @ mean
    out_of.weight /= scale[None, :, None, None]


def statistics(latents: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and standard deviation (C,) of each channel of latents (N, C, h, w)."""
    flat = latents.transpose(0, 1).flatten(1).double()
    return flat.mean(1).float(), flat.std(1).float()


def normalise(autoencoder: Any, latents: Tensor) -> None:
    """Fold in what gives these latents (N, C, h, w) of the autoencoder the size that SD 1.x expects. In place."""
    mean, deviation = statistics(latents)
    fold(autoencoder, mean, wanted_deviation() / deviation.clamp(min=1e-6))
