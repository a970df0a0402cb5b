"""DEIS: exponential integration with the noise extrapolated as a polynomial in time (Zhang & Chen 2023, tAB-DEIS)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
from torch import Tensor

from engine.diffusion.solvers.multistep import lagrange_basis
from engine.diffusion.solvers.notation import slope
from engine.diffusion.solvers.options import Range
from engine.diffusion.solvers.setting import Setting, Steps

# A variance-preserving process that covers the levels 0.002 to 80 from time 0.001 to 1 (Karras et al. 2022, Table 1).
_START = 0.001
_LOG_LOW, _LOG_HIGH = math.log(0.002**2 + 1), math.log(80**2 + 1)
_BETA_D = 2 * (_LOG_LOW / _START - _LOG_HIGH) / (_START - 1)
_BETA_MIN = _LOG_HIGH - _BETA_D / 2
_POINTS = 10000


def deis(x: Tensor, sigmas: Tensor, setting: Setting, *, max_order: Annotated[int, Range(1, 4)] = 3) -> Steps:
    """Adams-Bashforth steps in the time of a variance-preserving process (Zhang & Chen 2023, section 3.3)."""
    times = _times(sigmas).tolist()
    slopes: list[Tensor] = []
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        x0 = yield x, sigma
        slopes = [*slopes[-3:], slope(x, sigma, x0)]
        order = min(len(slopes), max_order)
        if order == 1 or sigma_next <= 0:
            x = x + (sigma_next - sigma) * slopes[-1]
            continue
        known = times[i - order + 1 : i + 1][::-1]
        for d, weight in zip(reversed(slopes), _weights(times[i], times[i + 1], known), strict=False):
            x = x + weight * d
    return x


def _times(sigmas: Tensor) -> Tensor:
    """The process's time at each level, in the schedule's precision."""
    return ((_BETA_MIN**2 + 2 * _BETA_D * (sigmas**2 + 1).log()).sqrt() - _BETA_MIN) / _BETA_D


def _weights(start: float, end: float, known: Sequence[float]) -> list[float]:
    """The integrals of dsigma/dt times the Lagrange basis on the newest times, newest first.

    By a rectangle rule that counts both ends in full, which users' images depend on.
    """
    t = np.linspace(start, end, _POINTS)
    signal = np.exp(-_BETA_D * t**2 / 2 - _BETA_MIN * t)
    speed = (t * _BETA_D + _BETA_MIN) / 2 / np.sqrt(signal * (1 - signal))
    width = (end - start) / _POINTS
    return [width * float(speed @ lagrange_basis(known, j, t)) for j in range(len(known))]
