"""Captions as a text encoder reads them in training: ids of 77 tokens, and states that gradients flow through."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.diffusion.text.clip import Clip
from engine.diffusion.text.tower import Tower
from engine.diffusion.text.transformer import ClipTransformer
from engine.diffusion.text.vocabulary import CLIP_END, CLIP_START, clip_ids

_LENGTH = 77


@dataclass(frozen=True)
class Reading:
    """How a model with one text encoder reads text: which layer, and whether through the final norm."""

    tower: str
    layer: int
    is_normed: bool

    def states(self, network: ClipTransformer, ids: Tensor) -> Tensor:
        """The states (B, 77, width) of token ids (B, 77), as prompts without weights are encoded."""
        hidden = network(network.embed(ids))
        is_there = -self.layer <= network.depth
        states = hidden[self.layer] if is_there else hidden[-1]
        return network.norm(states) if self.is_normed or not is_there else states


def reading_of(clip: Clip) -> Reading:
    """How these encoders are read. Raises ValueError for models with several."""
    if len(clip.layout.parts) != 1:
        msg = f"models with {len(clip.layout.parts)} text encoders ({clip.layout.name}) cannot be trained today"
        raise ValueError(msg + "; those of SD 1.x and 2.x can")
    (part,) = clip.layout.parts
    return Reading(part.tower, clip.layer or part.layer, part.is_normed)


def token_ids(tower: Tower, captions: Iterable[str]) -> Tensor:
    """Captions as ids (N, 77): plain words, no emphasis and no embeddings; what is longer is cut."""
    rows: list[list[int]] = []
    for caption in captions:
        ids = [CLIP_START, *clip_ids(caption)[: _LENGTH - 2], CLIP_END]
        rows.append(ids + [tower.pad] * (_LENGTH - len(ids)))
    return torch.tensor(rows, dtype=torch.long)
