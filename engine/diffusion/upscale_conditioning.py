"""What the prompts of the SD x4 upscaler carry, and the latent that it begins with."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from engine.device import room
from engine.diffusion.conditioning import Conditioning, Made, with_settings
from engine.diffusion.families.upscaler import NOISE, PICTURE
from engine.diffusion.latent_format import X4
from engine.pictures.resample import resize


class Shown(NamedTuple):
    """Both prompts with the picture on them, and an empty latent."""

    positive: Made
    negative: Made
    latent: dict[str, Any]


def shown(images: Tensor, positive: Conditioning, negative: Conditioning, ratio: float, noise: float) -> Shown:
    """Show images (B, H, W, C) in 0..1 to the model, and have it paint them at `ratio` times their size.

    The network sees a picture of as many pixels as the latent has cells. `noise` is the share of the noise that there
    can be on it: the more, the freer the model is.
    """
    count, height, width, _ = images.shape
    tall, wide = (max(1, round(side * ratio) // X4.cell) for side in (height, width))
    room.require(f"enlarging {count} pictures to {wide * X4.cell} x {tall * X4.cell}", count, X4.channels, tall, wide)
    picture = resize(images[..., :3].movedim(-1, 1) * 2 - 1, wide, tall, "bilinear", "center")
    told = {PICTURE: picture, NOISE: noise}
    latent = {"samples": torch.zeros(count, X4.channels, tall, wide)}
    return Shown(with_settings(positive, **told), with_settings(negative, **told), latent)
