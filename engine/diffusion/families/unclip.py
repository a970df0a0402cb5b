"""SD 2.1 unCLIP: beside the text, a vector tells the network of pictures it shall follow (Ramesh et al. 2022).

A picture's vector is noised on purpose: the more, the freer the network is. It is told how much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from diffusers.models.embeddings import get_timestep_embedding
from torch import Generator, Tensor

from engine.diffusion.beta_schedules import cosine
from engine.diffusion.conditioning import PICTURES
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.noise import MAX_SEED
from engine.weights.read import Tensors

MERGE_NOISE = 0.05  # of the sum of several pictures, unless their entry says otherwise

_LEVELS = 1000
_MEAN, _SPREAD = "noise_augmentor.data_mean", "noise_augmentor.data_std"


@dataclass(frozen=True, eq=False)
class Augmentor:
    """Adds noise to the vectors of pictures (B, width), normalised for that by a mean and a spread, (1, width) each."""

    mean: Tensor
    spread: Tensor

    @property
    def width(self) -> int:
        return self.mean.shape[1]

    def noised(self, vectors: Tensor, share: float, noise: Tensor) -> Tensor:
        """The vectors with this share of the noise that there can be, and beside them how much: (B, 2 width)."""
        level = round((_LEVELS - 1) * share)
        signal = _alpha_bars()[level].item()
        plain = (vectors - self.mean) / self.spread
        mixed = (signal**0.5 * plain + (1 - signal) ** 0.5 * noise) * self.spread + self.mean
        told = get_timestep_embedding(torch.tensor([level]), self.width, flip_sin_to_cos=True, downscale_freq_shift=0)
        return torch.cat([mixed, told.expand(len(mixed), -1)], dim=1)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps of it."""
        return {_MEAN: self.mean, _SPREAD: self.spread}


@dataclass(frozen=True)
class UnClip(StableDiffusion):
    """A UNet of SD 2.1 that takes the vector of a picture, and noise on it as told."""

    augmentor: Augmentor | None = field(default=None, compare=False)

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """`y` (1, 2 width): the pictures of an entry's list as one vector; zeros where it has none."""
        wanted = self.recognised.unet.vector or 0
        asked: Sequence[Mapping[str, Any]] = entry.get(PICTURES) or ()
        augmentor = self.augmentor or _plain(wanted // 2)
        generator = Generator().manual_seed((int(entry.get("seed", 0)) + 1) & MAX_SEED)  # a stream of its own
        merged = float(entry.get("unclip_noise_augment_merge", MERGE_NOISE))
        y = _together(asked, augmentor, generator, merged) if asked else torch.zeros(1, wanted)
        return super().extras(entry, latent, mask) | {"y": y.to(latent.device)}


def augmentor_of(tensors: Tensors, width: int) -> Augmentor:
    """The normalisation in a checkpoint; that of 1 and 0 where it keeps none, as files for ViT-H do."""
    if _MEAN not in tensors or _SPREAD not in tensors:
        return _plain(width)
    return Augmentor(*(tensors[name].float().reshape(1, -1) for name in (_MEAN, _SPREAD)))


def _plain(width: int) -> Augmentor:
    return Augmentor(torch.zeros(1, width), torch.ones(1, width))


def _together(
    asked: Sequence[Mapping[str, Any]], augmentor: Augmentor, generator: Generator, merge_noise: float
) -> Tensor:
    """Each picture noised by itself and weighted; the sum of several is noised once more."""
    vectors: list[Tensor] = []
    for each in asked:
        embeds: Tensor = each["clip_vision_output"].image_embeds.float().cpu()
        if embeds.shape[-1] != augmentor.width:
            msg = f"the encoder that saw the picture tells {embeds.shape[-1]} numbers of it and this unCLIP model wants"
            raise ValueError(f"{msg} {augmentor.width}: take the CLIP_VISION of its own checkpoint")
        noise = torch.randn(embeds.shape, generator=generator)
        noised = augmentor.noised(embeds, float(each["noise_augmentation"]), noise)
        vectors += (noised * float(each["strength"])).split(1)
    if len(vectors) == 1:
        return vectors[0]
    merged = torch.stack(vectors).sum(dim=0)[:, : augmentor.width]
    return augmentor.noised(merged, merge_noise, torch.randn(merged.shape, generator=generator))


@cache
def _alpha_bars() -> Tensor:
    return cosine(_LEVELS).alpha_bars
