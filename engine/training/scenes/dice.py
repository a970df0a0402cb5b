"""Seeded chance that falls the same way on every machine, with a stream of its own for each part of a picture."""

import zlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Array = NDArray[np.floating[Any]]


class Dice:
    """Random numbers from a seed and a word. Only uniform draws are used, whose stream NumPy keeps stable."""

    def __init__(self, seed: int, part: str = "") -> None:
        words = [seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, zlib.crc32(part.encode())]
        self._stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._stream.random()

    def chance(self, share: float) -> bool:
        return self._stream.random() < share

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._stream.random() * (high - low + 1))

    def one_of(self, options: Sequence[T]) -> T:
        return options[int(self._stream.random() * len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        keys = self._stream.random(len(options))
        return [options[place] for place in np.argsort(keys, kind="stable")]

    def uniform(self, *shape: int) -> Array:
        """An array of this shape, each value in 0..1."""
        return self._stream.random(shape).astype(np.float32)


def seed_at(seed: int, index: int) -> int:
    """The 64-bit seed of one example of a series."""
    low, high = np.random.SeedSequence([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, index]).generate_state(2)
    return int(low) | int(high) << 32
