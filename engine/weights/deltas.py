"""What a LoRA file does to one weight: each kind of change as a value, applied in float32.

Plain LoRA is Hu et al. (2021); LoHa and LoKr are those of LyCORIS (Yeh et al. 2023), DoRA is Liu et al. (2024). Two
changes are the same only if they are one object: tensors do not compare.
"""

from dataclasses import dataclass
from math import prod
from typing import Protocol

import torch
from torch import Tensor


class Delta(Protocol):
    """A change of one weight, of any strength."""

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        """The changed weight, in the shape and on the device of `weight` (float32), which stays as it is.

        Raises RuntimeError if the change is one of a weight of another size.
        """
        ...


class Product(Protocol):
    """A change that is made of smaller matrices."""

    @property
    def rank(self) -> int | None:
        """What an alpha is divided by; None where it does not scale."""
        ...

    def multiplied(self, like: Tensor) -> Tensor:
        """The product, on the device of `like`, float32; of as many elements as the weight has."""
        ...


def _there(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.to(like.device, torch.float32)


def _tucker(core: Tensor, out: Tensor, into: Tensor) -> Tensor:
    """`core` (p, q, *kernel) between `out` (o, p) and `into` (q, i): (o, i, *kernel)."""
    return torch.einsum("op,pq...,qi->oi...", out, core, into)


@dataclass(frozen=True, eq=False)
class LowRank:
    """`up` (o, r) times `down` (r, i), both flattened, with `mid` (r, r, *kernel) between them if there is one."""

    up: Tensor
    down: Tensor
    mid: Tensor | None = None

    @property
    def rank(self) -> int | None:
        return self.down.shape[0]

    def multiplied(self, like: Tensor) -> Tensor:
        up, down = _there(self.up, like).flatten(1), _there(self.down, like).flatten(1)
        return up @ down if self.mid is None else _tucker(_there(self.mid, like), up, down)


@dataclass(frozen=True, eq=False)
class Factors:
    """One half of a LoHa or LoKr: `a` times `b`, or the Tucker product of `a` (r, o), `core` and `b` (r, i)."""

    a: Tensor
    b: Tensor
    core: Tensor | None = None

    @property
    def rank(self) -> int:
        return self.b.shape[0]

    def multiplied(self, like: Tensor) -> Tensor:
        a, b = _there(self.a, like), _there(self.b, like)
        return a @ b if self.core is None else _tucker(_there(self.core, like), a.T, b)


@dataclass(frozen=True, eq=False)
class Hadamard:
    """LoHa: the element-wise product of two low-rank products."""

    first: Factors
    second: Factors

    @property
    def rank(self) -> int | None:
        return self.first.rank

    def multiplied(self, like: Tensor) -> Tensor:
        return self.first.multiplied(like) * self.second.multiplied(like)


@dataclass(frozen=True, eq=False)
class Kronecker:
    """LoKr: the Kronecker product of two matrices, each whole or itself a product."""

    first: Tensor | Factors
    second: Tensor | Factors

    @property
    def rank(self) -> int | None:
        ranks = [each.rank for each in (self.first, self.second) if isinstance(each, Factors)]
        return ranks[-1] if ranks else None

    def multiplied(self, like: Tensor) -> Tensor:
        first, second = (
            each.multiplied(like) if isinstance(each, Factors) else _there(each, like)
            for each in (self.first, self.second)
        )
        padded = first.reshape(*first.shape, *[1] * (second.ndim - first.ndim))
        return torch.kron(padded, second)


@dataclass(frozen=True, eq=False)
class Scaled:
    """A product added to the weight, scaled by alpha over its rank; without an alpha as it is."""

    product: Product
    alpha: float | None = None

    def change(self, weight: Tensor) -> Tensor:
        """What full strength adds to a weight."""
        rank = self.product.rank
        scale = 1.0 if self.alpha is None or rank is None else self.alpha / rank
        return scale * self.product.multiplied(weight).reshape(weight.shape)

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        return weight + strength * self.change(weight)


@dataclass(frozen=True, eq=False)
class Redirected:
    """DoRA: a scaled product turns the weight, and `magnitude` sets the length of its rows or of its columns."""

    turn: Scaled
    magnitude: Tensor

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        turned = weight + self.turn.change(weight)
        magnitude = _there(self.magnitude, weight)
        rows = weight.shape[0]
        if magnitude.shape[0] == rows:
            lengths = weight.reshape(rows, -1).norm(dim=1).reshape(rows, *[1] * (weight.ndim - 1))
        else:
            columns = turned.transpose(0, 1)
            lengths = columns.reshape(columns.shape[0], -1).norm(dim=1).reshape(1, -1, *[1] * (weight.ndim - 2))
        epsilon = torch.finfo(weight.dtype).eps
        redirected = turned * (magnitude.reshape(lengths.shape) / (lengths + epsilon))
        return weight + strength * (redirected - weight)


@dataclass(frozen=True, eq=False)
class Difference:
    """A whole difference, added."""

    difference: Tensor

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        return weight + strength * _there(self.difference, weight).reshape(weight.shape)


@dataclass(frozen=True, eq=False)
class Replacement:
    """Another weight in place of this one, whatever the strength."""

    content: Tensor

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        return _there(self.content, weight).reshape(weight.shape)


def fits(delta: Delta, shape: tuple[int, ...]) -> bool:
    """Whether a change is one of weights of this shape; computes shapes only."""
    match delta:
        case Scaled(LowRank(up=up, down=down, mid=None)) if up.ndim > 1 and down.ndim > 1:
            # Nearly all that there are, and many: counted, not tried.
            has_rank = prod(up.shape[1:]) == down.shape[0] > 0
            return has_rank and up.shape[0] * prod(down.shape[1:]) == prod(shape)
        case _:
            return _can_be_applied(delta, shape)


def _can_be_applied(delta: Delta, shape: tuple[int, ...]) -> bool:
    try:
        delta.applied(torch.empty(shape, device="meta"), 1.0)
    except (RuntimeError, LookupError, ZeroDivisionError):  # strange shapes fail in many ways
        return False
    return True
