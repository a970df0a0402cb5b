"""How long, how fast and in which order a model learns; nothing here knows what is learnt."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Generator

Precision = Literal["auto", "float32", "bfloat16"]

_EPOCH, _STEP = 1_000_003, 7_368_787  # primes that keep the seeds of epochs and steps apart
_SEEDS = 2**63


@dataclass(frozen=True)
class Recipe:
    """The settings that every training shares.

    `steps` counts updates of the weights, each from `accumulate` batches. `minutes` ends a run early (0: no limit);
    the rate then falls with the clock, so that a run ends as it should however slow the machine is. `average` is the
    decay of the moving average of the weights, which is what training gives (0: the weights themselves).
    """

    steps: int = 1000
    batch: int = 16
    rate: float = 1e-4
    minutes: float = 0.0
    warm_up: int = 50  # steps in which the rate rises from 0
    last_rate: float = 0.02  # what is left of the rate at the end, as a share
    weight_decay: float = 0.01  # of matrices and convolutions; norms, biases and embeddings have none
    clip: float = 1.0  # the largest norm of a gradient; 0 clips none
    accumulate: int = 1
    average: float = 0.999
    precision: Precision = "auto"
    compiled: bool = False  # whether networks are compiled for their shapes before they learn
    seed: int = 0
    preview_every: int = 100  # steps; 0: no samples and no curve
    save_minutes: float = 5.0  # between checkpoints, where a run has one
    patience: int = 10  # steps in a row whose loss is no number, before training gives up

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "patience"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; training takes at least 1"
                raise ValueError(msg)
        if not 0 <= self.average < 1:
            msg = f"average is {self.average}; a moving average decays by 0 (none) to below 1"
            raise ValueError(msg)

    def rate_at(self, step: int, done: float) -> float:
        """The learning rate of a step (from 0), a share `done` (0..1) into the run: linear up, then a cosine down."""
        up = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        down = self.last_rate + (1 - self.last_rate) * (1 + math.cos(math.pi * min(1.0, done))) / 2
        return self.rate * up * down

    def done_at(self, step: int, seconds: float) -> float:
        """The share of the run that is behind, by steps or by the clock, whichever is further. 1 ends it."""
        by_clock = seconds / (60 * self.minutes) if self.minutes else 0.0
        return max(step / self.steps, by_clock)

    def rows(self, number: int, count: int) -> list[int]:
        """Which of `count` examples the batch of this number holds: every epoch shuffles all, by the seed alone."""
        places = range(number * self.batch, (number + 1) * self.batch)
        return [_shuffled(self.seed, place // count, count)[place % count] for place in places]

    def generator(self, number: int) -> Generator:
        """The source of all that is random in the batch of this number: a resumed run draws what it would have."""
        return Generator().manual_seed((self.seed * _STEP + number) % _SEEDS)

    def numbers(self, step: int) -> Iterator[int]:
        """The numbers of the batches of a step."""
        return iter(range(step * self.accumulate, (step + 1) * self.accumulate))


@lru_cache(maxsize=4)
def _shuffled(seed: int, epoch: int, count: int) -> list[int]:
    return torch.randperm(count, generator=Generator().manual_seed((seed * _EPOCH + epoch) % _SEEDS)).tolist()
