"""The SD x4 upscaler: beside the noisy latent its network sees the small picture, noised by as much as it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from engine.diffusion.families.concat import laid_over
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.noise import MAX_SEED

PICTURE, NOISE = "concat_image", "noise_augmentation"
"""Settings of a prompt: the small picture (B, 3, H, W) in -1..1, and how much of the noise there can be is added."""

LEVELS = DiscreteLevels(beta_start=0.0001, beta_end=0.02)
"""Of the latent, and of the small picture alike."""

_MOST = 350  # the highest level that small pictures were noised to in training


@dataclass(frozen=True)
class Upscaler(StableDiffusion):
    """A UNet of SD 2 that paints a picture four times the size of the one that it sees."""

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """`concat` (B, 3, H, W), the noised picture, and `y` (1,), its level. Raises ValueError where there is none."""
        picture: Tensor | None = entry.get(PICTURE)
        if picture is None:
            msg = "this model enlarges a picture, and the prompt carries none: put SD_4XUpscale_Conditioning before the"
            raise ValueError(f"{msg} sampler")
        level = round(_MOST * float(entry.get(NOISE, 0.0)))
        generator = Generator().manual_seed((int(entry.get("seed", 0)) + 1) & MAX_SEED)  # a stream of its own
        shown = laid_over(picture, latent)
        noise = torch.randn(shown.shape, generator=generator).to(shown.device)
        return {"concat": noised(shown, level, noise), "y": torch.tensor([level], device=latent.device)}


def noised(picture: Tensor, level: int, noise: Tensor) -> Tensor:
    """A picture with the noise of one of a thousand levels, its variance kept."""
    sigma = LEVELS.table[level].item()
    return (picture + sigma * noise) / (1 + sigma**2) ** 0.5
