"""Schedules made from schedules: cut, split, turned around, or with levels put between others.

All take and give float32 tensors (n,), and leave their input as it is.
"""

import math
from typing import Literal

import torch
from torch import Tensor


def between(sigmas: Tensor, start: int, end: int, leaves_noise: bool) -> Tensor:
    """The part from step `start` to step `end`; empty where `start` is at or beyond the end.

    Unless it `leaves_noise`, a schedule that was cut short ends in 0, so that the last step removes all noise.
    """
    if end < len(sigmas) - 1:
        sigmas = sigmas[: max(end, 0) + 1]
        if not leaves_noise:
            sigmas = torch.cat([sigmas[:-1], sigmas.new_zeros(1)])
    return sigmas[max(start, 0) :] if start < len(sigmas) - 1 else sigmas[:0]


def split(sigmas: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The levels up to and from one step; that step's level is in both."""
    if step < 0:
        raise ValueError(f"step is {step}; it should be 0 or more")
    return sigmas[: step + 1], sigmas[step:]


def split_denoise(sigmas: Tensor, denoise: float) -> tuple[Tensor, Tensor]:
    """The levels of the first part of the way, and of the `denoise` (0 to 1) that is left to do."""
    if not 0 <= denoise <= 1:
        raise ValueError(f"denoise is {denoise}; it should be from 0 to 1")
    left = round(max(len(sigmas) - 1, 0) * denoise)
    return sigmas[: len(sigmas) - left if left else 0], sigmas[-(left + 1) :]


def flip(sigmas: Tensor) -> Tensor:
    """The levels in ascending order, for turning an image into noise; a leading 0 becomes 0.0001."""
    flipped = sigmas.flip(0)
    if len(flipped) and flipped[0] == 0:
        flipped[0] = 0.0001
    return flipped


def set_first(sigmas: Tensor, sigma: float) -> Tensor:
    """The levels with another one at the start."""
    if not len(sigmas):
        return sigmas
    return torch.cat([sigmas.new_tensor([sigma]), sigmas[1:]])


def extend_intermediate(
    sigmas: Tensor, steps: int, start: float, end: float, spacing: Literal["linear", "cosine", "sine"] = "linear"
) -> Tensor:
    """Make `steps` steps of each one that begins between the levels `start` (below 0: no bound) and `end`."""
    if steps < 1:
        raise ValueError(f"steps is {steps}; it should be at least 1")
    eased = {
        "linear": lambda u: u,
        "cosine": lambda u: math.sin(u * math.pi / 2),
        "sine": lambda u: 1 - math.cos(u * math.pi / 2),
    }
    if spacing not in eased:
        raise ValueError(f"spacing is {spacing!r}; it should be one of {', '.join(eased)}")
    highest = math.inf if start < 0 else start
    parts = [eased[spacing](j / steps) for j in range(steps)]
    levels = sigmas.tolist()
    extended: list[float] = []
    for level, next_level in zip(levels[:-1], levels[1:], strict=True):
        is_inside = end <= level <= highest
        extended += [level + part * (next_level - level) for part in (parts if is_inside else (0.0,))]
    return torch.tensor(extended + levels[-1:], dtype=sigmas.dtype)
