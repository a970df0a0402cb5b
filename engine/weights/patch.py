"""Changes of a model's weights as values: which weight, what part of it, what change, how strong."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.weights.deltas import Delta

_EIGHT_BITS = {torch.float8_e4m3fn: (3, -6), torch.float8_e5m2: (2, -14)}  # bits of mantissa, least normal exponent


@dataclass(frozen=True)
class Target:
    """A weight, or some of its rows.

    `rows` is where they start and how many they are. `is_swapped` is for weights whose halves stand in the other order
    in the files that address them so.
    """

    weight: str
    rows: tuple[int, int] | None = None
    is_swapped: bool = False


@dataclass(frozen=True)
class Patch:
    """A change of one weight, by the name of the parameter in the module that has it."""

    target: Target
    delta: Delta
    strength: float

    def applied(self, weight: Tensor) -> Tensor:
        """The changed weight (float32), of which only the target's rows differ."""
        if self.target.rows is not None:
            start, count = self.target.rows
            changed = weight.clone()
            changed[start : start + count] = self.delta.applied(weight[start : start + count], self.strength)
            return changed
        if self.target.is_swapped:
            return _swapped(self.delta.applied(_swapped(weight), self.strength))
        return self.delta.applied(weight, self.strength)


def patched(weight: Tensor, patches: Iterable[Patch], name: str) -> Tensor:
    """A weight with patches one after the other in float32, rounded once to its own dtype; itself stays as it is.

    `name` seeds the rounding to eight bits, which is random: nearest would swallow most small changes.
    """
    changed = weight.float()
    for each in patches:
        changed = each.applied(changed)
    if weight.dtype in _EIGHT_BITS:
        return round_at_random(changed, weight.dtype, zlib.crc32(name.encode()))
    return changed.to(weight.dtype)


def round_at_random(x: Tensor, dtype: torch.dtype, seed: int) -> Tensor:
    """Float32 numbers in an eight-bit type: up or down at random, so that the mean stays. Beyond its range clipped."""
    mantissa, least = _EIGHT_BITS[dtype]
    _, exponent = torch.frexp(x)  # x is a fraction in [0.5, 1) times two to this
    step = torch.ldexp(torch.ones_like(x), (exponent - 1).clamp(min=least) - mantissa)
    noise = torch.rand(x.shape, generator=torch.Generator("cpu").manual_seed(seed)).to(x.device)
    limit = torch.finfo(dtype).max
    return ((x / step + noise).floor() * step).clamp(-limit, limit).to(dtype)


def _swapped(weight: Tensor) -> Tensor:
    first, second = weight.chunk(2)
    return torch.cat([second, first])
