"""SDXL and its refiner: beside the text, a vector tells the network the picture's size, crop and (refiner) score."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.latent_format import IDENTITY, LatentFormat

_FREQUENCIES = 128  # two sinusoids of each: 256 numbers for one
_CELL = 8  # pixels along one side of a latent cell


@dataclass(frozen=True)
class Sdxl(StableDiffusion):
    """SDXL base, at any depth. Its vector is pooled text, size, crop and target size (Podell et al. 2023)."""

    @property
    def edit_format(self) -> LatentFormat:
        """The EDM variant of instruct-pix2pix sees a scaled picture."""
        return self.latent_format if self.recognised.levels else IDENTITY

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """`y` (b, pooled + 1536), and `concat` where the network takes more channels."""
        numbers = self._numbers(entry, latent)
        given = super().extras(entry, latent, mask)
        return given | {"y": self._vector(entry.get("pooled_output"), numbers, latent)}

    def _numbers(self, entry: Mapping[str, Any], latent: Tensor) -> list[float]:
        height = entry.get("height", latent.shape[-2] * _CELL)
        width = entry.get("width", latent.shape[-1] * _CELL)
        crop = [entry.get("crop_h", 0), entry.get("crop_w", 0)]
        return [height, width, *crop, entry.get("target_height", height), entry.get("target_width", width)]

    def _vector(self, pooled: Tensor | None, numbers: list[float], latent: Tensor) -> Tensor:
        if pooled is None:
            msg = f"a {self.name} model wants the pooled text too, and this conditioning has none: take its own CLIP"
            raise ValueError(msg)
        embedded = sinusoids(torch.tensor(numbers, dtype=torch.float32)).flatten().to(latent.device)
        pooled = pooled.to(latent.device, torch.float32)
        vector = torch.cat([pooled, embedded.expand(pooled.shape[0], -1)], dim=1)
        wanted = self.recognised.unet.vector
        if vector.shape[1] != wanted:
            msg = f"pooled text and sizes are {vector.shape[1]} wide and this {self.name} model wants {wanted}"
            raise ValueError(f"{msg}: take its own CLIP")
        return vector


@dataclass(frozen=True)
class SdxlRefiner(Sdxl):
    """The refiner: as the base, with an aesthetic score in place of the target size."""

    def _numbers(self, entry: Mapping[str, Any], latent: Tensor) -> list[float]:
        score = entry.get("aesthetic_score", 2.5 if entry.get("role") == "negative" else 6.0)
        return [*super()._numbers(entry, latent)[:4], score]


def sinusoids(numbers: Tensor) -> Tensor:
    """Numbers (n,) as (n, 256): cosines, then sines, of 128 frequencies from 1 down to 1/10000."""
    powers = torch.arange(_FREQUENCIES, dtype=torch.float32) / _FREQUENCIES
    angles = numbers[:, None] * torch.exp(-math.log(10000) * powers)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
