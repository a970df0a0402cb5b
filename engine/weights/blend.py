"""A weight of another model, mixed into the one that a patch changes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.device.held import value_of
from engine.weights.patch import Patch


@dataclass(frozen=True, eq=False)
class Blend:
    """`kept` of the weight plus, at the patch's strength, the other model's weight of the same shape.

    `other` is the other network's own tensor, not a copy; `patches` are that model's changes of it, applied in float32
    before it is mixed in. Wortsman et al. (2022) average weights so; task arithmetic is that of Ilharco et al. (2023).
    """

    other: Tensor
    patches: tuple[Patch, ...]
    kept: float

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        theirs = value_of(self.other).to(weight.device, torch.float32)
        for each in self.patches:
            theirs = each.applied(theirs)
        taken = strength * theirs
        return self.kept * weight + taken if self.kept else taken  # exactly the other's, whatever this one holds
