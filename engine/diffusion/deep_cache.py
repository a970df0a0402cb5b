"""What the deep blocks of a UNet say, kept for the next steps: DeepCache (Ma et al. 2023, arXiv 2312.00858).

Which calls are whole follows from the run's asks alone. A run that is resumed makes its last whole call again, and goes
on with the same bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.levels import Levels
from engine.diffusion.model import DeepCache, Model
from engine.diffusion.tiling import Window

Quality = Literal["fast", "balanced", "high"]


def deep_cache(model: Model, interval: int, quality: Quality, depth: int, start: float, end: float) -> DeepCache:
    """One of `interval` calls is whole; the others compute `depth` input blocks and the output blocks across of them.

    With a depth of 0 the quality decides: the first block, the first level or the first two. Raises ValueError for a
    model without such blocks.
    """
    if not isinstance(model.family, StableDiffusion):
        msg = f"DeepCache keeps what the blocks of a UNet say, and {model.family.name} models have none"
        raise ValueError(msg)
    unet = model.family.recognised.unet
    level = unet.residuals + 1
    blocks = level * len(unet.widths)
    depth = depth or {"fast": 1, "balanced": level, "high": min(2 * level, blocks - 1)}[quality]
    if depth >= blocks:
        msg = f"cache_depth is {depth}, and this {model.family.name} model has {blocks} input blocks"
        raise ValueError(f"{msg}: it should be {blocks - 1} or less")
    return DeepCache(interval, blocks - depth, start, end)


@dataclass(frozen=True)
class Kept:
    """What the deep blocks said of one entry of a prompt, tile by tile where there are tiles, in one whole call."""

    parts: dict[Window | None, list[Tensor]] = field(default_factory=dict[Window | None, list[Tensor]])

    def add(self, window: Window | None, state: Tensor) -> None:
        """Take in the state (rows, C, h, w) of some of the rows."""
        self.parts.setdefault(window, []).append(state)

    def of(self, window: Window | None) -> Tensor:
        return torch.cat(self.parts[window])


KeptBy = Mapping[str, Sequence[Kept]]
"""By the name of a list, entry by entry."""


@dataclass(frozen=True)
class _Whole:
    """The last whole call: what it was asked, by which number, and what its answer depends on beside."""

    x: Tensor
    sigma: Tensor
    number: int
    state: tuple[Any, ...]


class DeepSteps:
    """Which calls of one run are whole, and what the last of these said."""

    def __init__(self, setting: DeepCache, levels: Levels) -> None:
        self._setting, self._levels = setting, levels
        self._asked = 0
        self._whole: _Whole | None = None
        self._kept: KeptBy = {}
        self._kept_of = -1

    @property
    def whole(self) -> tuple[Tensor, Tensor]:
        """The x (B, C, …) and the sigma of the last whole call."""
        assert self._whole is not None  # noqa: S101 - asked of calls that reuse one
        return self._whole.x, self._whole.sigma

    @property
    def kept(self) -> KeptBy | None:
        """What the last whole call said; None where it was not made by this process."""
        return self._kept if self._whole is not None and self._kept_of == self._whole.number else None

    def is_whole(self, sigma: Tensor, state: tuple[Any, ...]) -> bool:
        """Whether the next call has to be: after so many others, out of the range, or where another thing is asked."""
        if (
            self._whole is None
            or self._whole.state != state
            or self._asked - self._whole.number >= self._setting.interval
        ):
            return True
        level = float(sigma)
        return not self._levels.at_percent(self._setting.end) <= level <= self._levels.at_percent(self._setting.start)

    def keep(self, kept: KeptBy, *, again: bool = False) -> None:
        """Say where what the next whole call says is kept, or what the last one says when it is made `again`."""
        self._kept = kept
        self._kept_of = self._whole.number if again and self._whole is not None else self._asked

    def learn(self, x: Tensor, sigma: Tensor, state: tuple[Any, ...]) -> None:
        """Take in what was asked, whoever answered it."""
        if self.is_whole(sigma, state):
            self._whole = _Whole(x, sigma, self._asked, state)
        self._asked += 1
