"""Seeded noise: what a run starts from, and the sources that stochastic samplers draw from on their way.

Torch's global generators are never touched: every source has its own, seeded so that its stream is the one that users
of the ecosystem know from a seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Generator, Tensor
from torchsde import BrownianTree

Source = Callable[[Tensor, Tensor], Tensor]
"""`noise(sigma, sigma_next) -> Tensor`: standard normal noise like the latent, for a move between two levels."""

_TREE_DIGITS = 6  # of a level, in the Brownian tree
MAX_SEED = 0xFFFFFFFFFFFFFFFF


class Noise(Protocol):
    """What a NOISE link carries: a seed, and the noise that a run starts from."""

    @property
    def seed(self) -> int: ...

    def generate(self, latent: Mapping[str, Any]) -> Tensor:
        """Noise for `latent["samples"]` (B, C, …), on the CPU."""
        ...


@dataclass(frozen=True)
class RandomNoise:
    """Standard normal noise from a seed, 0 to 2**64 - 1."""

    seed: int

    def generate(self, latent: Mapping[str, Any]) -> Tensor:
        """One draw for the whole batch, or by `latent["batch_index"]` the draws of those numbers."""
        samples: Tensor = latent["samples"]
        return initial_noise(samples, _generator(self.seed), latent.get("batch_index"))


@dataclass(frozen=True)
class NoNoise:
    """Zeros; the seed still serves stochastic samplers."""

    seed: int = 0

    def generate(self, latent: Mapping[str, Any]) -> Tensor:
        samples: Tensor = latent["samples"]
        return torch.zeros(samples.shape, dtype=samples.dtype, device="cpu")


def initial_noise(samples: Tensor, generator: Generator, batch_index: Sequence[int] | None = None) -> Tensor:
    """Noise like `samples` (B, C, …), drawn on the CPU.

    With `batch_index` (B numbers) image i gets the draw number `batch_index[i]`, so that a part of a batch can be made
    again; draws between them are made and dropped.
    """
    if batch_index is None:
        return torch.randn(samples.shape, dtype=samples.dtype, generator=generator)
    if len(batch_index) != len(samples):
        raise ValueError(
            f"batch_index has {len(batch_index)} numbers for {len(samples)} latents; it should have one each"
        )
    if min(batch_index) < 0:
        raise ValueError(f"batch_index holds {min(batch_index)}; its numbers should be 0 or more")
    wanted = set(batch_index)
    draws: dict[int, Tensor] = {}
    for number in range(max(batch_index) + 1):
        draw = torch.randn((1, *samples.shape[1:]), dtype=samples.dtype, generator=generator)
        if number in wanted:
            draws[number] = draw
    return torch.cat([draws[number] for number in batch_index])


def default_source(x: Tensor, seed: int) -> Source:
    """Draws like `x`, on its device, from a generator of its own: on the CPU the first repeats the initial noise."""
    generator = _generator(seed, x.device)
    return lambda sigma, sigma_next: _draw(x, generator)


def continued_source(x: Tensor, seed: int, batch_index: Sequence[int] | None = None) -> Source:
    """Draws like `x`, on its device, that go on where the initial noise of this seed ended.

    The initial noise comes from the CPU's generator, so on other devices the stream begins afresh.
    """
    generator = _generator(seed, x.device)
    is_behind = x.device.type == "cpu"

    def draw(sigma: Tensor, sigma_next: Tensor) -> Tensor:
        nonlocal is_behind
        if is_behind:
            initial_noise(x, generator, batch_index)
            is_behind = False
        return _draw(x, generator)

    return draw


class BrownianSource:
    """The increments of one Brownian path over the levels of a run (Li et al. 2020, virtual Brownian tree).

    Draws for overlapping moves come from the same path. The path is made for latents like `x` between two levels, on
    `device`, and the draws are moved to x's.
    """

    def __init__(
        self, x: Tensor, sigma_min: float, sigma_max: float, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        # The tree knows no finer times, and warns of queries beyond its rounded ends.
        self._low, self._high = round(sigma_min, _TREE_DIGITS), round(sigma_max, _TREE_DIGITS)
        self._seed = _checked(seed)
        self._x, self._device = x, torch.device(device)
        self._tree: BrownianTree | None = None  # made at the first draw: many runs never need it

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        start, end = (min(max(float(each), self._low), self._high) for each in (sigma, sigma_next))
        if start == end:
            return torch.zeros_like(self._x)
        increment = self._increment(min(start, end), max(start, end)) / abs(start - end) ** 0.5
        # Downwards the increment counts negative: the path is walked against its own time.
        return (-increment if end < start else increment).to(self._x.device)

    def _increment(self, low: float, high: float) -> Tensor:
        if self._tree is None:
            zeros = torch.zeros(self._x.shape, dtype=self._x.dtype, device=self._device)
            self._tree = BrownianTree(self._low, zeros, self._high, entropy=self._seed)
        return cast(Tensor, self._tree(low, high))


def brownian_source(x: Tensor, sigmas: Tensor, seed: int, device: torch.device | str = "cpu") -> BrownianSource:
    """A Brownian path over a schedule: from its lowest level above zero to its highest."""
    positive = sigmas[sigmas > 0]
    low, high = (positive.min().item(), sigmas.max().item()) if len(positive) else (0.0, 0.0)
    return BrownianSource(x, low, high, seed, device)


def _generator(seed: int, device: torch.device | str = "cpu") -> Generator:
    return Generator(device).manual_seed(_checked(seed))


def _checked(seed: int) -> int:
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed}; it should be from 0 to {MAX_SEED}")
    return seed


def _draw(x: Tensor, generator: Generator) -> Tensor:
    return torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=generator)
