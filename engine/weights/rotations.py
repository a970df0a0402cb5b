"""Changes that turn the rows of a weight instead of adding to them: OFT and BOFT, applied in float32.

OFT is Qiu et al. (2023), BOFT its butterfly product Liu et al. (2024), both as files of LyCORIS (Yeh et al. 2023) keep
them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST = 1e-8


def turned(blocks: Tensor, bound: float) -> Tensor:
    """Rotations (…, b, b) by the Cayley transform of what is skew in `blocks` (…, b, b).

    A `bound` above 0 is how long all that is skew may be together (the constraint of COFT).
    """
    skew = blocks - blocks.transpose(-1, -2)
    if bound > 0:
        skew = skew * (bound / (skew.norm() + _LEAST)).clamp(max=1.0)
    identity = torch.eye(blocks.shape[-1], device=blocks.device)
    return (identity + skew) @ torch.linalg.inv(identity - skew)


@dataclass(frozen=True, eq=False)
class Rotated:
    """OFT: `blocks` (k, b, b) turn k groups of b rows each; `rescale` (rows, 1, …) then sets their lengths.

    `alpha` times the rows is the bound of `turned`.
    """

    blocks: Tensor
    alpha: float = 0.0
    rescale: Tensor | None = None

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        rows = weight.shape[0]
        rotations = turned(self.blocks.to(weight.device, torch.float32), self.alpha * rows)
        groups = weight.reshape(*rotations.shape[:2], -1)
        changed = _rescaled((rotations.transpose(-1, -2) @ groups).reshape(weight.shape), self.rescale)
        return weight + strength * (changed - weight)


@dataclass(frozen=True, eq=False)
class Butterfly:
    """BOFT: `blocks` (m, k, b, b) are m rotations one after the other, each of rows that lie further apart.

    The strength is how far each of them goes from no rotation.
    """

    blocks: Tensor
    alpha: float = 0.0
    rescale: Tensor | None = None

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        rotations = turned(self.blocks.to(weight.device, torch.float32), self.alpha * weight.shape[0])
        size = rotations.shape[-1]
        rotations = strength * rotations + (1 - strength) * torch.eye(size, device=weight.device)
        rows = weight.flatten(1)  # (rows, rest)
        for stage, rotation in enumerate(rotations):
            apart = 2**stage * size // 2
            mixed = rows.unflatten(0, (-1, 2, apart)).transpose(1, 2).reshape(-1, size, rows.shape[1])
            mixed = (rotation @ mixed).reshape(-1, apart, 2, rows.shape[1])
            rows = mixed.transpose(1, 2).reshape(rows.shape)
        return _rescaled(rows.reshape(weight.shape), self.rescale)


def _rescaled(weight: Tensor, rescale: Tensor | None) -> Tensor:
    if rescale is None:
        return weight
    factor = rescale.to(weight.device, torch.float32)
    return weight * factor.reshape(weight.shape[0], *[1] * (weight.ndim - 1))
