"""Token merging: self-attention over fewer tokens, the most alike of which are averaged (Bolya & Hoffman 2023).

One token of each square of four stands for those merged into it. Which one it is, is drawn by layer alone: the same
picture is merged in the same way in every run and batch.
"""

import zlib
from typing import Any

import torch
from tomesd.merge import bipartite_soft_matching_random2d
from torch import Tensor

from engine.diffusion.model import Attend, AttentionHook, AttentionPlace

SQUARE = 2  # tokens along a side of the squares, as in the paper: at most three of four tokens are merged


def token_merging(ratio: float) -> AttentionHook:
    """Merges this share of the tokens (B, n, C), where the network works at the latent's own size."""

    def merged(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        count = int(tokens.shape[1] * ratio)
        if count < 1 or place.depth > 0 or min(place.size) < SQUARE:
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
