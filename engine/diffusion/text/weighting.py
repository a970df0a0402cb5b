"""Encoded tokens and their weights to one tensor: each position is drawn from the empty prompt's by its weight."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from engine.diffusion.text.tokens import Chunk


class Encoded(NamedTuple):
    """Text as a model is given it: states of its tokens (1, T, dim), and one vector for all of it (1, P)."""

    cond: Tensor
    pooled: Tensor | None


Encode = Callable[[Sequence[Chunk]], Encoded]
"""Encodes n chunks of one length L, each by itself: (n, L, dim) and (n, P)."""


def encode_weighted(chunks: Sequence[Chunk], empty: Chunk, encode: Encode) -> Encoded:
    """Encode the chunks of a prompt one after the other, as (1, sum of lengths, dim), and apply their weights.

    With `e` the states of the `empty` prompt, a state `z` of weight `w` becomes `e + w (z - e)`; at `w = 1` it stays as
    it is, to the bit. Nothing is normalised. The pooled vector is the first chunk's and knows no weights.
    """
    weights = torch.tensor([[token.weight for token in chunk] for chunk in chunks])[..., None]
    is_plain = weights == 1
    if is_plain.all():
        z, pooled = encode(chunks)
    else:
        together, pooled = encode([*chunks, empty])
        z, e = together[:-1], together[-1]
        z = torch.where(is_plain.to(z.device), z, e + weights.to(z) * (z - e))
    return Encoded(z.flatten(0, 1)[None], None if pooled is None else pooled[:1])
