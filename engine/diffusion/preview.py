"""Latents as small pictures, without a decoder: each cell's colour is a linear map of its channels.

The map is fitted to the autoencoder at hand: colours are encoded, and what encodes them is solved for by least squares.
"""

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from engine.diffusion.latent_format import LatentFormat
from engine.diffusion.vae import Vae

_LEVELS = 4  # of each of red, green and blue
_CELLS = 4  # latent cells along a side of one colour's square; those at its border see their neighbours


def seen_by(vae: Vae, form: LatentFormat) -> LatentFormat:
    """The same kind of latents, with the colours that this autoencoder gives them, found when they are first wanted."""
    return replace(form, rgb=cache(lambda: fitted(vae, form)))


def fitted(vae: Vae, form: LatentFormat) -> Tensor:
    """The map from processed latents to red, green and blue in 0..1: (C + 1, 3), offsets in the last row."""
    colours = torch.cartesian_prod(*[torch.linspace(0, 1, _LEVELS)] * 3)  # (n, 3)
    order = torch.randperm(len(colours), generator=torch.Generator().manual_seed(0))
    side = _LEVELS**3 // 8
    board = colours[order].view(8, side, 3)
    pixels = board.repeat_interleave(_CELLS * vae.factor, 0).repeat_interleave(_CELLS * vae.factor, 1)[None]
    latent = form.process_in(vae.encode(pixels))[0]  # (C, 8 cells, side cells)
    squares = latent.unflatten(2, (side, _CELLS)).unflatten(1, (8, _CELLS))  # (C, 8, cells, side, cells)
    middle = squares[:, :, 1:-1, :, 1:-1].mean((2, 4)).flatten(1).T  # (n, C)
    known = torch.cat([middle, torch.ones(len(middle), 1)], 1)
    return torch.linalg.lstsq(known, board.flatten(0, 1)).solution


def picture(latents: Tensor, form: LatentFormat) -> Tensor | None:
    """The first of some processed latents (B, C, …, h, w) as (h, w, 3) in 0..1; None if their colours are not known."""
    if form.rgb is None or latents.ndim < 4 or latents.shape[1] != form.channels:
        return None
    first = latents[0].float().cpu()
    while first.ndim > 3:
        first = first[:, 0]  # the first frame
    weights = form.rgb()
    return (first.movedim(0, -1) @ weights[:-1] + weights[-1]).clamp(0, 1)
