"""Token merging: self-attention over fewer tokens, the most alike of which are averaged (Bolya & Hoffman 2023).

One token of each square of four stands for those merged into it. Which one it is, is drawn by layer alone: the same
picture is merged in the same way in every run and batch.
"""

import zlib
from typing import Any

import torch
from tomesd.merge import bipartite_soft_matching_random2d
from torch import Tensor

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.model import Attend, AttentionPlace, Model, StandIn

SQUARE = 2  # tokens along a side of the squares, as in the paper: at most three of four tokens are merged


def finest_depth(model: Model) -> int:
    """How often a latent is halved where a model attends to the largest picture: 0 in SD 1.x and 2.x, 1 in SDXL."""
    levels = model.family.recognised.unet.encoder if isinstance(model.family, StableDiffusion) else ((1,),)
    return next((depth for depth, blocks in enumerate(levels) if any(blocks)), len(levels) - 1)


def token_merging(ratio: float, finest: int = 0) -> StandIn:
    """Merges this share of the tokens (B, n, C) at `finest` halvings of the latent: there attention costs the most."""

    def merged(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        count = int(tokens.shape[1] * ratio)
        if count < 1 or place.depth > finest or min(place.size) < SQUARE:
            return attend(tokens)
        merge, unmerge = _matching(tokens, place, count)
        return unmerge(attend(merge(tokens)))

    return merged


def _matching(tokens: Tensor, place: AttentionPlace, count: int) -> Any:
    """The authors' functions that merge `count` tokens and that hand out what was made of them."""
    height, width = place.size
    seed = zlib.crc32(f"{place.block.part} {place.block.index} {place.layer}".encode())
    drawn = torch.Generator().manual_seed(seed)
    return bipartite_soft_matching_random2d(tokens, width, height, SQUARE, SQUARE, count, generator=drawn)
