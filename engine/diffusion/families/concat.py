"""What some networks see beside the noisy latent: a mask and a masked picture, or the picture to edit."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.latent_format import LatentFormat
from engine.pictures.resample import resize
from engine.weights.recognise import Concat

# A grey picture as an SD autoencoder encodes it, processed: what inpainting networks see where nothing is given.
_GREY = (0.8223, -0.6876, 0.6364, 0.1380)


def concat_latent(
    kind: Concat,
    entry: Mapping[str, Any],
    latent: Tensor,
    mask: Tensor | None,
    edit_format: LatentFormat,
    format: LatentFormat,
) -> Tensor:
    """The channels (B, c, H, W) that one conditioning entry adds to the noisy latent (B, C, H, W).

    `edit_format` scales the picture that instruct-pix2pix edits, `format` the picture that is inpainted.
    """
    if kind == "pix2pix":
        return _edited(entry.get("concat_latent_image"), latent, edit_format)
    return _inpainted(entry, latent, mask, format)


def _edited(picture: Tensor | None, latent: Tensor, format: LatentFormat) -> Tensor:
    if picture is None:
        return torch.zeros_like(latent)
    return format.process_in(laid_over(picture, latent))


def _inpainted(entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None, format: LatentFormat) -> Tensor:
    """Mask (1 is repainted) and masked picture, as the inpainting networks of SD 1.5 and later were trained."""
    asked: Tensor | None = entry.get("concat_mask")
    given = mask if asked is None else asked
    if given is None:
        grey = torch.tensor(_GREY, dtype=latent.dtype, device=latent.device).view(1, -1, 1, 1)
        return torch.cat([torch.ones_like(latent[:, :1]), grey.expand_as(latent)], dim=1)
    picture: Tensor | None = entry.get("concat_latent_image")
    shown = latent if picture is None else format.process_in(laid_over(picture, latent))
    return torch.cat([laid_over(_planes(given), latent).round(), shown], dim=1)


def _planes(mask: Tensor) -> Tensor:
    """A mask (H, W), (B, H, W) or (B, C, H, W) as (B, 1, H, W)."""
    return mask.reshape(-1, 1, *mask.shape[-2:]) if mask.ndim < 4 else mask[:, :1]


def laid_over(x: Tensor, latent: Tensor) -> Tensor:
    """(b, c, h, w) in the size, batch, type and place of a latent: resized, then repeated or cut."""
    height, width = latent.shape[-2:]
    x = x.to(device=latent.device, dtype=latent.dtype)
    if x.shape[-2:] != (height, width):
        x = resize(x, width, height, "bilinear", "center")
    rounds = -(-latent.shape[0] // x.shape[0])
    return x.repeat(rounds, 1, 1, 1)[: latent.shape[0]]
