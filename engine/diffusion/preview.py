"""Latents as small pictures, without a decoder: each cell's colour is a linear map of its channels.

The map is fitted to the autoencoder at hand: colours are encoded, and what encodes them is solved for by least squares.
"""

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from engine.diffusion.latent_format import LatentFormat
from engine.diffusion.vae import Vae

_LEVELS = 3  # of each of red, green and blue
_CELLS = 2  # latent cells along a side of one colour's square, which all see their neighbours
_ROWS = 3  # of squares


class _Current:
    are_expected = False


def expect(are_expected: bool) -> None:
    """Say whether this process will show latents. Then colours are fitted while a model is loaded, not when it runs."""
    _Current.are_expected = are_expected


def seen_by(vae: Vae, form: LatentFormat) -> LatentFormat:
    """The same kind of latents, with the colours that this autoencoder gives them, found when they are first wanted."""
    rgb = cache(lambda: fitted(vae, form))
    if _Current.are_expected:
        rgb()
    return replace(form, rgb=rgb)


def fitted(vae: Vae, form: LatentFormat) -> Tensor:
    """The map from processed latents to red, green and blue in 0..1: (C + 1, 3), offsets in the last row.

    A board of so few and small squares costs a hundredth of what encoding a picture does, and on pictures fits as well
    as larger ones with more colours: latents see their neighbours there too.
    """
    colours = torch.cartesian_prod(*[torch.linspace(0, 1, _LEVELS)] * 3)  # (n, 3)
    order = torch.randperm(len(colours), generator=torch.Generator().manual_seed(0))
    board = colours[order].unflatten(0, (_ROWS, -1))
    side = _CELLS * vae.factor
    pixels = board.repeat_interleave(side, 0).repeat_interleave(side, 1)[None]
    latent = form.process_in(vae.encode(pixels))[0]  # (C, rows cells, columns cells)
    squares = latent.unflatten(2, (-1, _CELLS)).unflatten(1, (-1, _CELLS))  # (C, rows, cells, columns, cells)
    seen = squares.mean((2, 4)).flatten(1).T  # (n, C)
    known = torch.cat([seen, torch.ones(len(seen), 1)], 1)
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
