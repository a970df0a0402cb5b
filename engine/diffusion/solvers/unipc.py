"""UniPC: a predictor and a corrector of the same form, in the variance-preserving scale (Zhao et al. 2023)."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from engine.diffusion.solvers.options import Range
from engine.diffusion.solvers.setting import Setting, Steps

LAST_LEVEL = 0.001  # stands in for a final 0, where lambda has no value
Variant = Literal["bh1", "bh2"]


@dataclass(frozen=True)
class _Level:
    """A level in variance-preserving terms: share of signal, of noise, and half the log-SNR; scalars."""

    signal: Tensor
    noise: Tensor
    half_log_snr: Tensor

    @classmethod
    def at(cls, sigma: Tensor) -> "_Level":
        log_signal = (1 / (sigma**2 + 1)).log() / 2
        # In float32 the rounding of 1 - e^2a shows at small levels; users' images depend on it.
        variance = 1 - (2 * log_signal).exp()
        return cls(log_signal.exp(), variance.sqrt(), log_signal - variance.log() / 2)


def ending(sigmas: Tensor) -> Tensor:
    """The schedule that is walked: a final 0 becomes 0.001."""
    if len(sigmas) < 2 or sigmas[-1] != 0:
        return sigmas
    return torch.cat([sigmas[:-1], sigmas.new_tensor([LAST_LEVEL])])


def uni_pc(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    order: Annotated[int, Range(1, 3)] = 3,
    variant: Variant = "bh1",
) -> Steps:
    """UniPC of order 3 (Zhao et al. 2023, Algorithms 1 to 3) with B(h) = h or, as "bh2", e^h - 1.

    A run of one step returns its noise: there is no update to make.
    """
    sigmas = ending(sigmas)
    levels = [_Level.at(sigma) for sigma in sigmas]
    steps = len(sigmas) - 1
    order = min(order, steps - 1)
    y = x / (1 + sigmas[0] ** 2).sqrt()
    known: list[Tensor] = []
    if steps > 0:
        known.append((yield from _clean(y, sigmas[0], levels[0])))
    for k in range(1, steps + 1 if order > 0 else 0):
        q = min(k, order, steps + 1 - k)
        update = _Update.of(levels[: k + 1], known, q, variant)
        y_next = update.predicted(y)
        if k < steps:
            model = yield from _clean(y_next, sigmas[k], levels[k])
            y_next = update.corrected(y, model)
            known = [*known, model][-order:]
        y = y_next
    return y / levels[-1].signal


def _clean(y: Tensor, sigma: Tensor, level: _Level) -> Generator[tuple[Tensor, Tensor], Tensor, Tensor]:
    """The clean latent seen in y, by way of the noise."""
    x = y * (sigma**2 + 1).sqrt()
    x0 = yield x, sigma
    return (y - level.noise * ((x - x0) / sigma)) / level.signal


@dataclass(frozen=True)
class _Update:
    """What predictor and corrector of one step have in common."""

    noise_ratio: Tensor
    gain: Tensor  # of the newest prediction
    scale: Tensor  # of the differences: signal share times B(h)
    newest: Tensor
    differences: Sequence[Tensor]  # to older predictions, per distance in half log-SNR
    r: Sequence[float]
    b: Sequence[float]

    @classmethod
    def of(cls, levels: Sequence[_Level], known: Sequence[Tensor], order: int, variant: Variant) -> "_Update":
        """The update to the last of `levels`; the newest of `known` belongs to the one before it."""
        start, end = levels[-2], levels[-1]
        h = end.half_log_snr - start.half_log_snr
        r = [((levels[-2 - j].half_log_snr - start.half_log_snr) / h).item() for j in range(1, order)]
        u = -h.item()
        phi = math.expm1(u)
        kernel = u if variant == "bh1" else phi
        return cls(
            end.noise / start.noise,
            end.signal * (-h).expm1(),
            end.signal * kernel,
            known[-1],
            [(known[-1 - j] - known[-1]) / r[j - 1] for j in range(1, order)],
            [*r, 1.0],
            _right_side(u, phi, kernel, order),
        )

    def predicted(self, y: Tensor) -> Tensor:
        count = len(self.differences)
        weights = [0.5] if count == 1 else _solved(self.r[:count], self.b[:count])
        return self._base(y) - self.scale * self._weighted(weights)

    def corrected(self, y: Tensor, model: Tensor) -> Tensor:
        """The same move again, with the prediction at its end."""
        weights = [0.5] if len(self.r) == 1 else _solved(self.r, self.b)
        return self._base(y) - self.scale * (self._weighted(weights[:-1]) + weights[-1] * (model - self.newest))

    def _base(self, y: Tensor) -> Tensor:
        return self.noise_ratio * y - self.gain * self.newest

    def _weighted(self, weights: Sequence[float]) -> Tensor | float:
        return sum(weight * each for weight, each in zip(weights, self.differences, strict=True))


def _right_side(u: float, phi: float, kernel: float, order: int) -> list[float]:
    """The moments b_i that the differences have to meet (Zhao et al. 2023, eq. 8)."""
    g, right = phi / u - 1, list[float]()
    for i in range(1, order + 1):
        right.append(math.factorial(i) * g / kernel)
        g = g / u - 1 / math.factorial(i + 1)
    return right


def _solved(r: Sequence[float], b: Sequence[float]) -> list[float]:
    if not r:
        return []
    ratios = torch.tensor(r, dtype=torch.float64)
    matrix = torch.stack([ratios**i for i in range(len(r))])
    return torch.linalg.solve(matrix, torch.tensor(b, dtype=torch.float64)).tolist()
