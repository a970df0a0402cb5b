"""Sampling inside a mask: what lies outside is put back, freshly noised, at every evaluation.

The mask is soft: 1 is sampled, 0 is kept, and between them the two are mixed.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engine.diffusion.levels import Levels
from engine.diffusion.model import MaskHook


@dataclass(frozen=True, eq=False)
class NoiseMask:
    """A mask with what it keeps; all tensors (B, C, …, H, W) on the device that samples.

    `latent` is the processed initial latent, `noise` what it is noised with, `sigmas` the whole schedule (for `change`,
    the hook that may turn the mask into another one for a level).
    """

    mask: Tensor
    latent: Tensor
    noise: Tensor
    sigmas: Tensor
    levels: Levels
    change: MaskHook | None = None

    def at(self, sigma: Tensor) -> Tensor:
        """The mask that counts at this level, a scalar."""
        return self.mask if self.change is None else self.change(self.mask, sigma, self.sigmas, self.levels)

    def before(self, x: Tensor, sigma: Tensor, mask: Tensor) -> Tensor:
        """The noisy latent that the model is shown."""
        return mask * x + (1 - mask) * self.levels.noised(self.latent, self.noise, sigma)

    def after(self, x0: Tensor, mask: Tensor) -> Tensor:
        """The prediction, with what is kept in it."""
        return mask * x0 + (1 - mask) * self.latent


def fitted(mask: Any, latent: Tensor) -> Tensor:
    """A mask (H, W), (B, H, W) or (B, 1, H, W) of any resolution at the size of `latent` (B, …, H, W): (B, 1, H, W)."""
    if not isinstance(mask, Tensor) or mask.ndim < 2:
        raise ValueError("a noise mask should be a tensor of (height, width), with a batch axis before them or none")
    planes = mask.to(latent.device, torch.float32).reshape(-1, 1, *mask.shape[-2:])
    planes = functional.interpolate(planes, size=latent.shape[-2:], mode="bilinear", align_corners=False)
    return planes[torch.arange(latent.shape[0], device=latent.device) % planes.shape[0]]


def spread(mask: Tensor, latent: Tensor) -> Tensor:
    """A fitted mask (B, 1, H, W) over all channels (and frames) of a latent (B, C, …, H, W)."""
    return mask.reshape(mask.shape[0], *[1] * (latent.ndim - 3), *mask.shape[-2:]).expand_as(latent)


def differential(strength: float) -> MaskHook:
    """A mask that says when each cell joins in: the brighter, the earlier (Levin & Fried 2023, arXiv 2306.00950).

    At each level the cells above a threshold that falls from 1 to 0 are sampled. `strength` below 1 mixes that with the
    soft mask.
    """

    def thresholded(mask: Tensor, sigma: Tensor, sigmas: Tensor, levels: Levels) -> Tensor:
        last = sigmas[-1].clamp(min=levels.sigma_min)
        now, first, end = (levels.timestep(level.to(mask.device)) for level in (sigma, sigmas[0], last))
        joined = (mask >= (now - end) / (first - end)).to(mask.dtype)
        return joined if strength >= 1 else strength * joined + (1 - strength) * mask

    return thresholded
