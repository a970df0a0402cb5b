"""What a union ControlNet has beside a plain one: it is told which kind of hint it sees.

The network is that of ControlNet++ (Xinsir 2024), as diffusers has it; its attention is over the tokens of one row, so
that a row does not depend on those beside it in the batch.
"""

import torch
from diffusers.models.controlnets.controlnet_union import ResidualAttentionBlock
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import Tensor, nn

from engine.weights.unet_shape import Shapes, UnknownShape

_SINUSOIDS = 256  # of the number, 0 or 1, that says whether a kind is there
_HEADS = 8

TASKS = "task_embedding"
_LAYER = "transformer_layes.{}.ln_1.weight"  # so spelled in files


class Union(nn.Module):
    """The parts that read kinds of hints; parameters are named as in files."""

    def __init__(self, kinds: int, width: int, time_width: int, layers: int) -> None:
        super().__init__()
        self.task_embedding = nn.Parameter(torch.empty(kinds, width))
        self.transformer_layes = nn.ModuleList([ResidualAttentionBlock(width, _HEADS) for _ in range(layers)])
        self.spatial_ch_projs = nn.Linear(width, width)
        self.control_add_embedding = TimestepEmbedding(_SINUSOIDS * kinds, time_width)
        self.sinusoids = Timesteps(_SINUSOIDS, flip_sin_to_cos=True, downscale_freq_shift=0)

    @property
    def kinds(self) -> int:
        """How many kinds of hints the network knows."""
        return self.task_embedding.shape[0]

    def time(self, kinds: tuple[int, ...]) -> Tensor:
        """What is added to the embedding of time (1, time width) for these kinds; also for none there is something."""
        weight = self.task_embedding
        there = torch.zeros(self.kinds, device=weight.device)
        there[list(kinds)] = 1.0
        return self.control_add_embedding(self.sinusoids(there).reshape(1, -1).to(weight.dtype))

    def guided(self, h: Tensor, features: Tensor, kind: int) -> Tensor:
        """What is added to the first state h (B, width, H, W) for a hint's features of the same size, of this kind."""
        tokens = torch.stack(
            [features.mean(dim=(2, 3)) + self.task_embedding[kind], h.mean(dim=(2, 3))]
        )  # (2, B, width)
        for layer in self.transformer_layes:
            tokens = layer(tokens)
        return features + self.spatial_ch_projs(tokens[0])[..., None, None]


def union_of(shapes: Shapes) -> Union | None:
    """The parts that these tensors of a file make, without weights; None for a plain one. Raises UnknownShape."""
    if TASKS not in shapes:
        return None
    kinds, width = shapes[TASKS]
    layers = next(n for n in range(len(shapes) + 1) if _LAYER.format(n) not in shapes)
    if (time := shapes.get("control_add_embedding.linear_1.weight")) is None:
        raise UnknownShape("it is a union of kinds of hints, but control_add_embedding is not there")
    return Union(kinds, width, time[0], layers)
