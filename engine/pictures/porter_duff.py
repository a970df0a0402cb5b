"""The Porter-Duff rules (Porter & Duff 1984) and some blend modes, on colours that are multiplied by their alpha."""

from collections.abc import Callable

import torch
from torch import Tensor

Rule = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""`rule(s, a, d, b) -> (colour, alpha)`: source and its alpha, destination and its alpha, all premultiplied."""


def composite(
    source: Tensor, source_alpha: Tensor, below: Tensor, below_alpha: Tensor, *, mode: str
) -> tuple[Tensor, Tensor]:
    """Colours (B, 3, H, W) and alpha (B, 1, H, W), both in 0..1, of a source laid over a destination."""
    s, d = source * source_alpha, below * below_alpha
    colour, alpha = RULES[mode](s, source_alpha, d, below_alpha)
    plain = torch.where(alpha > 1e-5, colour / alpha.clamp(min=1e-5), torch.zeros_like(colour))
    return plain.clamp(0, 1), alpha.clamp(0, 1)


def _union(a: Tensor, b: Tensor) -> Tensor:
    return a + b - a * b


def _outside(s: Tensor, a: Tensor, d: Tensor, b: Tensor) -> Tensor:
    """What each shows where the other is not."""
    return s * (1 - b) + d * (1 - a)


def _overlay(s: Tensor, a: Tensor, d: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    both = torch.where(2 * d < b, 2 * s * d, a * b - 2 * (b - d) * (a - s))
    return both + _outside(s, a, d, b), _union(a, b)


RULES: dict[str, Rule] = {
    "ADD": lambda s, a, d, b: ((s + d).clamp(max=1), (a + b).clamp(max=1)),
    "CLEAR": lambda s, a, d, b: (torch.zeros_like(d), torch.zeros_like(b)),
    "DARKEN": lambda s, a, d, b: (_outside(s, a, d, b) + torch.minimum(s * b, d * a), _union(a, b)),
    "DST": lambda s, a, d, b: (d, b),
    "DST_ATOP": lambda s, a, d, b: (d * a + s * (1 - b), a),
    "DST_IN": lambda s, a, d, b: (d * a, a * b),
    "DST_OUT": lambda s, a, d, b: (d * (1 - a), b * (1 - a)),
    "DST_OVER": lambda s, a, d, b: (d + s * (1 - b), _union(a, b)),
    "LIGHTEN": lambda s, a, d, b: (_outside(s, a, d, b) + torch.maximum(s * b, d * a), _union(a, b)),
    "MULTIPLY": lambda s, a, d, b: (s * d, a * b),
    "OVERLAY": _overlay,
    "SCREEN": lambda s, a, d, b: (s + d - s * d, _union(a, b)),
    "SRC": lambda s, a, d, b: (s, a),
    "SRC_ATOP": lambda s, a, d, b: (s * b + d * (1 - a), b),
    "SRC_IN": lambda s, a, d, b: (s * b, a * b),
    "SRC_OUT": lambda s, a, d, b: (s * (1 - b), a * (1 - b)),
    "SRC_OVER": lambda s, a, d, b: (s + d * (1 - a), _union(a, b)),
    "XOR": lambda s, a, d, b: (_outside(s, a, d, b), a * (1 - b) + b * (1 - a)),
}
