"""Predictions of latents that are too large for one call: tile by tile, averaged where tiles overlap."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

import torch
from torch import Tensor

from engine.diffusion.calls import Piece, predictions
from engine.diffusion.model import DEEP
from engine.diffusion.tiling import Window


def tiled_predictions(pieces: Sequence[Piece]) -> list[Tensor]:
    """The clean latents of every piece, in their order: as `predictions`, in tiles where a piece's model wants them."""
    whole = [_Divided(piece) for piece in pieces]
    for parts in zip_longest(*(each.rounds() for each in whole), fillvalue=()):
        asked = [(each, part) for each, some in zip(whole, parts, strict=True) for part in some]
        for (each, part), x0 in zip(asked, predictions([part for _, part in asked]), strict=True):
            each.add(part, x0)
    return [each.mean() for each in whole]


class _Divided:
    """A piece in its tiles, and what they have come to so far."""

    def __init__(self, piece: Piece) -> None:
        self._piece, self._tiling = piece, piece.model.hooks.tiling
        self._windows: list[Window] = []
        if self._tiling is not None:
            self._windows = self._tiling.windows(*piece.x.shape[-2:], level=float(piece.sigma[0]))
        self._sum: Tensor | None = None
        self._weights: Tensor | None = None

    def rounds(self) -> Iterator[Sequence[Piece]]:
        """What is predicted at a time: a piece that needs no tiles is its own."""
        if self._tiling is None or len(self._windows) == 1:
            yield [_reusing(self._piece)]
            return
        for start in range(0, len(self._windows), self._tiling.together):
            yield [_tile(self._piece, window) for window in self._windows[start : start + self._tiling.together]]

    def add(self, part: Piece, x0: Tensor) -> None:
        """Take in what was predicted of a part."""
        if part.window is None or self._tiling is None:
            self._sum = x0
            return
        if self._sum is None or self._weights is None:
            self._sum = x0.new_zeros(*x0.shape[:-2], *part.window.whole)
            self._weights = x0.new_zeros(part.window.whole)
        weight = self._tiling.weight(part.window, x0.device)
        part.window.crop(self._sum).add_(weight * x0)
        part.window.crop(self._weights).add_(weight)

    def mean(self) -> Tensor:
        assert self._sum is not None  # noqa: S101 - there is always a first round
        return self._sum if self._weights is None else self._sum / self._weights


def _tile(piece: Piece, window: Window) -> Piece:
    """A tile of a piece: what it takes beside the text is cropped where it lies over the latent."""

    def cropped(value: Tensor) -> Tensor:
        is_over = value.ndim == piece.x.ndim and value.shape[-2:] == torch.Size(window.whole)
        return window.crop(value) if is_over else value

    extras = {name: cropped(value) for name, value in piece.extras.items()}
    return _reusing(replace(piece, x=window.crop(piece.x), extras=extras, window=window))


def _reusing(piece: Piece) -> Piece:
    """A piece with what the deep blocks said of it earlier, where that is wanted."""
    if piece.reuses is None:
        return piece
    return replace(piece, extras={**piece.extras, DEEP: piece.reuses.of(piece.window)})
