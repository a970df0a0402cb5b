"""How a large latent is divided into overlapping tiles, and how much each of them says about every cell.

MultiDiffusion (Bar-Tal et al. 2023, arXiv 2302.08113) weighs all cells of a tile alike, Mixture of Diffusers (Jiménez
2023, arXiv 2302.02412) those in its middle most. SpotDiffusion (Frolov et al. 2024, arXiv 2407.15507) lays tiles side
by side, and at another place in every step.
"""

import struct
import zlib
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

import torch
from torch import Tensor

Weighting = Literal["even", "gaussian"]

_VARIANCE = 0.01  # of the Gaussian, for a tile of side 1


@dataclass(frozen=True)
class Window:
    """A tile's place in a latent of `whole` cells (height, width)."""

    whole: tuple[int, int]
    y: int
    x: int
    height: int
    width: int

    def crop(self, tensor: Tensor, scale: int = 1) -> Tensor:
        """This part of (…, H, W), which may have `scale` pixels along the side of a cell."""
        top, left = self.y * scale, self.x * scale
        return tensor[..., top : top + self.height * scale, left : left + self.width * scale]


@dataclass(frozen=True)
class Tiling:
    """Tiles of at most so many cells, which overlap by `overlap` cells or more; `together` are predicted at a time.

    Tiles that move overlap at the borders alone. Where they lie follows from the level of noise, so that the same
    picture is divided in the same way in every run and batch.
    """

    height: int
    width: int
    overlap: int
    together: int = 1
    weighting: Weighting = "even"
    moves: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < min(self.height, self.width):
            msg = f"tiles of {self.width} x {self.height} cells cannot overlap by {self.overlap}: it has to be less"
            raise ValueError(msg)

    def windows(self, height: int, width: int, *, level: float) -> list[Window]:
        """Tiles of one size all over a latent, row by row: evenly spread, or where they lie at this level of noise."""
        tall, wide = min(self.height, height), min(self.width, width)
        if self.moves:
            rows, columns = _moved_starts(height, tall, level, "rows"), _moved_starts(width, wide, level, "columns")
        else:
            rows, columns = _starts(height, tall, self.overlap), _starts(width, wide, self.overlap)
        return [Window((height, width), y, x, tall, wide) for y in rows for x in columns]

    def weight(self, window: Window, device: torch.device) -> Tensor:
        """How much each cell (height, width) of a tile counts where it overlaps with others."""
        if self.weighting == "even":
            return torch.ones(window.height, window.width, device=device)
        return (_bell(window.height)[:, None] * _bell(window.width)).to(device)

    def cells_at_once(self, shape: tuple[int, ...]) -> int:
        """How many cells of a latent (…, H, W) the model sees in the smallest call."""
        *more, height, width = shape
        return prod(more) * min(self.height, height) * min(self.width, width)


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along a side that they cover from end to end."""
    if tile >= side:
        return [0]
    count = ceil((side - overlap) / (tile - overlap))
    return [round(index * (side - tile) / (count - 1)) for index in range(count)]


def _moved_starts(side: int, tile: int, level: float, axis: str) -> list[int]:
    """Where tiles begin that lie side by side from where the level says; those that stick out are moved in."""
    offset = zlib.crc32(struct.pack("<f", level) + axis.encode()) % tile
    return list(dict.fromkeys(min(max(0, start), side - tile) for start in range(-offset, side, tile)))


def _bell(side: int) -> Tensor:
    """A Gaussian over a tile's side, 1 in its middle: (side,)."""
    away = (torch.arange(side) - (side - 1) / 2) / side
    return torch.exp(-(away**2) / (2 * _VARIANCE))
