"""What a solver is given and what it says: the types that every solver and every driver of one speak."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from engine.diffusion.drive import Prediction
from engine.diffusion.levels import Levels
from engine.diffusion.noise import Source

Steps = Generator[tuple[Tensor, Tensor], Tensor, Tensor]
"""A running solver: yields (x, sigma) where it wants a latent denoised, is sent x0, and returns the final latent."""

GuidedSteps = Generator[tuple[Tensor, Tensor], Prediction, Tensor]
"""A running solver of the CFG++ family: is sent the prediction of the negative prompt as well."""


class Midway(NamedTuple):
    """An ask inside a step: a driver answers it as any other, but it begins no step and its x0 is no result."""

    x: Tensor
    sigma: Tensor


@dataclass(frozen=True)
class Setting:
    """What a run gives its solver beside latent and schedule.

    `noise` is the source of stochastic steps; `churn` is that of churn, a stream that goes on from the initial noise.
    """

    levels: Levels
    noise: Source
    churn: Source


def place(sigma: Tensor, sigmas: Tensor) -> int:
    """How many steps of a descending schedule are done when a solver asks at `sigma`, from 0 to its step count."""
    return max(int((sigmas >= sigma).sum().item()) - 1, 0)
