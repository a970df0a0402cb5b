"""Linear multistep solvers: the next move from the slopes of the last steps, one evaluation each."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
from torch import Tensor

from engine.diffusion.solvers.notation import slope
from engine.diffusion.solvers.options import Amount, Range
from engine.diffusion.solvers.setting import Setting, Steps

UpToFour = Annotated[int, Range(1, 4)]


def _weighted(slopes: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The sum of the newest slopes, each with its weight, newest first."""
    terms = [weight * d for weight, d in zip(weights, reversed(slopes), strict=False)]
    return sum(terms[1:], start=terms[0])


def lms(x: Tensor, sigmas: Tensor, setting: Setting, *, order: Annotated[int, Range(1, 100)] = 4) -> Steps:
    """Adams-Bashforth steps over uneven levels, as used for diffusion by Karras et al. (2022) and Liu et al. (2022)."""
    levels = sigmas.tolist()
    slopes: list[Tensor] = []
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        x0 = yield x, sigma
        slopes = [*slopes[-(order - 1) :], slope(x, sigma, x0)] if order > 1 else [slope(x, sigma, x0)]
        x = x0 if sigma_next == 0 else x + _weighted(slopes, _adams_weights(levels, i, len(slopes)))
    return x


def _adams_weights(levels: Sequence[float], i: int, order: int) -> list[float]:
    """The integrals over step i of the Lagrange basis on the newest `order` levels, newest first; exact."""
    start, end = levels[i], levels[i + 1]
    nodes, weights = np.polynomial.legendre.leggauss((order + 1) // 2)
    points = (end - start) / 2 * nodes + (end + start) / 2
    known = levels[i - order + 1 : i + 1][::-1]
    return [(end - start) / 2 * float(weights @ lagrange_basis(known, j, points)) for j in range(order)]


def lagrange_basis(known: Sequence[float], j: int, points: np.ndarray) -> np.ndarray:
    """The polynomial that is 1 at known[j] and 0 at the others, at `points` (n,)."""
    others = [each for k, each in enumerate(known) if k != j]
    return np.prod([(points - each) / (known[j] - each) for each in others], axis=0) * np.ones_like(points)


_EVEN_ADAMS = ((1,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def ipndm(x: Tensor, sigmas: Tensor, setting: Setting, *, max_order: UpToFour = 4) -> Steps:
    """Improved pseudo numerical steps: Adams-Bashforth weights of even steps (Zhang & Chen 2023, "DEIS", iPNDM)."""
    slopes: list[Tensor] = []
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        slopes = [*slopes[-3:], slope(x, sigma, x0)]
        weights = _EVEN_ADAMS[min(len(slopes), max_order) - 1]
        x = x0 if sigma_next == 0 else x + (sigma_next - sigma) * _weighted(slopes, weights)
    return x


def ipndm_v(x: Tensor, sigmas: Tensor, setting: Setting, *, max_order: UpToFour = 4) -> Steps:
    """iPNDM with weights for uneven steps (Zhang & Chen 2023).

    The weights of third order are those in use in the ecosystem, not quite the textbook's.
    """
    levels = sigmas.tolist()
    slopes: list[Tensor] = []
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        x0 = yield x, sigma
        slopes = [*slopes[-3:], slope(x, sigma, x0)]
        order = min(len(slopes), max_order)
        steps = [levels[i + 1 - k] - levels[i - k] for k in range(order)]
        x = x0 if sigma_next == 0 else x + (sigma_next - sigma) * _weighted(slopes, _uneven_adams(steps))
    return x


def _uneven_adams(steps: Sequence[float]) -> list[float]:
    """The weights of the newest slopes for signed steps, both newest first."""
    a, b, c, e = (*steps, *[0.0] * (4 - len(steps)))
    if len(steps) == 1:
        return [1.0]
    second = a / (2 * b)
    if len(steps) == 2:
        return [1 + second, -second]
    t_1 = (1 - a**2 / (3 * b * (b + c))) / 2
    if len(steps) == 3:
        return [1 + second + t_1, -second - (1 + b / c) * t_1, t_1 * b / c]
    t_2 = (1 - a / (3 * (a + b))) / 2 + (1 - a / (2 * (a + b))) * a / (6 * (a + b + c))
    t_2 *= a * (a + b) * (a + b + c) / (b * (b + c) * (b + c + e))
    q = b * (b + c) / (c * (c + e))
    return [
        1 + second + t_1 + t_2,
        -second - (1 + b / c) * t_1 - (1 + b / c + q) * t_2,
        t_1 * b / c + (b / c + q * (1 + c / e)) * t_2,
        -t_2 * q * b / c,
    ]


def gradient_estimation(x: Tensor, sigmas: Tensor, setting: Setting, *, ge_gamma: Amount = 2.0) -> Steps:
    """Euler steps with the slope carried on from its last change (Permenter & Yuan 2024, Algorithm 2)."""
    d_prev: Tensor | None = None
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        d, dt = slope(x, sigma, x0), sigma_next - sigma
        if sigma_next == 0:
            x = x0
        else:
            x = x + d * dt
            if d_prev is not None:
                x = x + (ge_gamma - 1) * (d - d_prev) * dt
        d_prev = d
    return x
