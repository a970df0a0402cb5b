"""How a model counts its levels of noise: the table of sigmas, and the way to the network's time and back.

Two forms. Variance exploding (`is_flow` false): noisy = x0 + sigma * noise. Rectified flow (`is_flow` true):
noisy = (1 - sigma) * x0 + sigma * noise, with sigma from 0 to 1. All classes are frozen values, so a node that changes
a model's levels makes others: `dataclasses.replace(levels, shift=2.0)`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

PURE_NOISE = 999999999.9  # what 0 percent of the way is for variance exploding models: above any level there is


class Levels(ABC):
    """The levels of noise that a model knows. Tensors of sigma or time may have any shape, and keep it."""

    is_flow: ClassVar[bool] = False

    @cached_property
    def table(self) -> Tensor:
        """All levels that schedules may pick from: (T,) float32 on the CPU, ascending."""
        return self._make_table()

    @abstractmethod
    def _make_table(self) -> Tensor: ...

    @abstractmethod
    def timestep(self, sigma: Tensor) -> Tensor:
        """The time that the network is told for `sigma`."""

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """The level at time `t`. For flow models this is not the inverse of `timestep`: it applies the shift."""

    @abstractmethod
    def _between(self, percent: float) -> float:
        """The level after this part of the way, 0 < percent < 1."""

    def at_percent(self, percent: float) -> float:
        """The level after a part of the way from noise (0) to image (1); at 0 a bound that no level exceeds."""
        if math.isnan(percent):
            raise ValueError("percent is not a number; it should be between 0 (noise) and 1 (image)")
        if percent <= 0:
            return 1.0 if self.is_flow else PURE_NOISE
        return 0.0 if percent >= 1 else self._between(percent)

    @property
    def sigma_min(self) -> float:
        return self.table[0].item()

    @property
    def sigma_max(self) -> float:
        return self.table[-1].item()

    def is_full(self, sigma: Tensor | float) -> bool:
        """Whether `sigma` counts as the model's highest level, up to rounding."""
        return float(sigma) > self.sigma_max or math.isclose(float(sigma), self.sigma_max, rel_tol=1e-5)

    def noised(self, latent: Tensor, noise: Tensor, sigma: Tensor | float, is_full: bool = False) -> Tensor:
        """`latent` (B, C, …) with `noise` of the same shape up to `sigma`, a scalar or (B,).

        With `is_full` variance exploding models scale the noise by sqrt(1 + sigma²), as if the clean image's own
        variance were in it: what sampling starts from at the highest level.
        """
        level = _per_image(sigma, latent)
        if self.is_flow:
            return level * noise + (1 - level) * latent
        return noise * (1 + level**2) ** 0.5 + latent if is_full else noise * level + latent

    def finished(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """What a run that ended at `sigma` gives: for flow models the share of the image is scaled back to 1."""
        return x / (1 - _per_image(sigma, x)) if self.is_flow else x


def _per_image(sigma: Tensor | float, x: Tensor) -> Tensor | float:
    """A scalar as it is; (B,) shaped to multiply x (B, C, …)."""
    if isinstance(sigma, float | int) or sigma.ndim == 0:
        return sigma
    return sigma.to(x.device).reshape(-1, *[1] * (x.ndim - 1))


def _interpolated(log_table: Tensor, index: Tensor) -> Tensor:
    """The level at a real-valued index, linear in its logarithm; the ends hold beyond them."""
    logs = log_table.to(index.device)
    index = index.to(torch.float32).clamp(0, len(logs) - 1)
    low, high = index.floor().long(), index.ceil().long()
    return torch.lerp(logs[low], logs[high], index - index.floor()).exp()


def _nearest(log_table: Tensor, sigma: Tensor) -> Tensor:
    """The index of the level whose logarithm is nearest, the smaller one on a tie."""
    logs = log_table.to(sigma.device)
    return (sigma.to(torch.float32).log()[..., None] - logs).abs().argmin(dim=-1)


@dataclass(frozen=True)
class DiscreteLevels(Levels):
    """The levels of a model that was trained on numbered steps (SD1, SD2, SDXL).

    `betas` is the rule for the steps' variances: "linear" in their square root (Rombach et al. 2022), "sqrt_linear" in
    themselves, or "cosine" (Nichol & Dhariwal 2021). `zero_terminal` rescales to no signal at the last step (Lin et al.
    2023).
    """

    betas: Literal["linear", "sqrt_linear", "cosine"] = "linear"
    zero_terminal: bool = False
    beta_start: float = 0.00085
    beta_end: float = 0.012
    steps: int = 1000

    @cached_property
    def _signal(self) -> Tensor:
        """The share of signal in the variance at each step: (T,) float64, descending."""
        signal = torch.cumprod(1 - self._variances(), dim=0)
        return _without_signal_at_the_end(signal) if self.zero_terminal else signal

    def _variances(self) -> Tensor:
        double = torch.float64
        if self.betas == "linear":
            return torch.linspace(self.beta_start**0.5, self.beta_end**0.5, self.steps, dtype=double) ** 2
        if self.betas == "sqrt_linear":
            return torch.linspace(self.beta_start, self.beta_end, self.steps, dtype=double)
        if self.betas == "cosine":
            position = torch.arange(self.steps + 1, dtype=double) / self.steps
            kept = torch.cos((position + 0.008) / 1.008 * math.pi / 2) ** 2
            return (1 - kept[1:] / kept[:-1]).clamp(0, 0.999)
        raise ValueError(f"betas {self.betas!r} is none of linear, sqrt_linear, cosine")

    def _make_table(self) -> Tensor:
        return ((1 - self._signal) / self._signal).sqrt().float()

    @cached_property
    def _log_table(self) -> Tensor:
        return ((1 - self._signal) / self._signal).sqrt().log().float()

    def timestep(self, sigma: Tensor) -> Tensor:
        return _nearest(self._log_table, sigma).float()

    def sigma(self, t: Tensor) -> Tensor:
        return _interpolated(self._log_table, t)

    def _between(self, percent: float) -> float:
        return self.sigma(torch.tensor((1 - percent) * 999)).item()  # 999 whatever the table's length


def _without_signal_at_the_end(signal: Tensor) -> Tensor:
    """Lin et al. (2023), Algorithm 1, with the last entry kept just above zero so that its level is finite."""
    root = signal.sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    rescaled = root**2
    rescaled[-1] = 4.8973451890853435e-08
    return rescaled


@dataclass(frozen=True)
class LcmLevels(Levels):
    """Every twentieth level of another table: what latent consistency models are distilled on (Luo et al. 2023)."""

    base: DiscreteLevels = field(default_factory=DiscreteLevels)

    def _make_table(self) -> Tensor:
        return self.base.table[19::20].clone()

    @cached_property
    def _log_table(self) -> Tensor:
        return self.table.log()

    def timestep(self, sigma: Tensor) -> Tensor:
        return _nearest(self._log_table, sigma).float() * 20 + 19

    def sigma(self, t: Tensor) -> Tensor:
        return _interpolated(self._log_table, (t - 19) / 20)

    def _between(self, percent: float) -> float:
        return self.sigma(torch.tensor((1 - percent) * 999)).item()


@dataclass(frozen=True)
class EdmLevels(Levels):
    """Continuous levels, told to the network as a quarter of their logarithm (Karras et al. 2022)."""

    lowest: float = 0.002
    highest: float = 120.0

    def __post_init__(self) -> None:
        if not 0 < self.lowest < self.highest < math.inf:
            raise ValueError(f"levels run from {self.lowest} to {self.highest}; they should rise from above 0")

    def _make_table(self) -> Tensor:
        return torch.linspace(math.log(self.lowest), math.log(self.highest), 1000).exp()

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma.log() * 0.25

    def sigma(self, t: Tensor) -> Tensor:
        return (t * 4).exp()

    def _between(self, percent: float) -> float:
        high, low = math.log(self.sigma_max), math.log(self.sigma_min)
        return math.exp(high + percent * (low - high))


@dataclass(frozen=True)
class ContinuousVLevels(EdmLevels):
    """Continuous levels of v-prediction models, told to the network as the angle between signal and noise."""

    lowest: float = 0.03
    highest: float = 500.0

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma.atan() / math.pi * 2

    def sigma(self, t: Tensor) -> Tensor:
        return (t * math.pi / 2).tan()


_CASCADE_OFFSET = 0.008
_CASCADE_START = math.cos(_CASCADE_OFFSET / (1 + _CASCADE_OFFSET) * math.pi / 2) ** 2


@dataclass(frozen=True)
class CascadeLevels(Levels):
    """The cosine levels of Stable Cascade (Pernias et al. 2023), moved by `shift` in log-SNR."""

    shift: float = 2.0

    def _make_table(self) -> Tensor:
        return self.sigma(torch.arange(1, 10001) / 10000)

    def timestep(self, sigma: Tensor) -> Tensor:
        angle = (_CASCADE_START / (1 + sigma**2)).clamp(0, 1).sqrt().acos()
        return angle / (math.pi / 2) * (1 + _CASCADE_OFFSET) - _CASCADE_OFFSET

    def sigma(self, t: Tensor) -> Tensor:
        angle = (t + _CASCADE_OFFSET) / (1 + _CASCADE_OFFSET) * math.pi / 2
        signal = angle.cos() ** 2 / _CASCADE_START
        if self.shift != 1:
            signal = ((signal / (1 - signal)).log() - 2 * math.log(self.shift)).sigmoid()
        signal = signal.clamp(0.0001, 0.9999)
        return ((1 - signal) / signal).sqrt()

    def _between(self, percent: float) -> float:
        return self.sigma(torch.tensor(1 - percent)).item()


@dataclass(frozen=True)
class FlowLevels(Levels):
    """Rectified-flow levels, moved towards noise by `shift` (Esser et al. 2024, section 5.3.2).

    The network's time is `multiplier` times sigma: 1000 for SD3, 1 for AuraFlow and Flux schnell.
    """

    is_flow: ClassVar[bool] = True
    shift: float = 3.0
    multiplier: float = 1000.0

    def __post_init__(self) -> None:
        _check_above_zero("shift", self.shift)
        _check_above_zero("multiplier", self.multiplier)

    def _make_table(self) -> Tensor:
        return self._shifted(torch.arange(1, 1001) / 1000)

    def _shifted(self, t: Tensor) -> Tensor:
        return self.shift * t / (1 + (self.shift - 1) * t) if self.shift != 1 else t

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma * self.multiplier

    def sigma(self, t: Tensor) -> Tensor:
        return self._shifted(t / self.multiplier)

    def _between(self, percent: float) -> float:
        left = 1 - percent
        return self.shift * left / (1 + (self.shift - 1) * left)


@dataclass(frozen=True)
class FluxLevels(Levels):
    """The rectified-flow levels of Flux dev: the shift is e^mu, and the network's time is sigma itself."""

    is_flow: ClassVar[bool] = True
    mu: float = 1.15

    def __post_init__(self) -> None:
        if not math.isfinite(self.mu):
            raise ValueError(f"mu is {self.mu}; it should be a finite number, 1.15 by default")

    @classmethod
    def for_size(cls, width: int, height: int, max_shift: float = 1.15, base_shift: float = 0.5) -> "FluxLevels":
        """Levels for an image of this size in pixels: `base_shift` at 256² pixels, `max_shift` at 1024²."""
        tokens = width * height / 256
        return cls(base_shift + (max_shift - base_shift) * (tokens - 256) / (4096 - 256))

    def _make_table(self) -> Tensor:
        return self.sigma(torch.arange(1, 10001) / 10000)

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma

    def sigma(self, t: Tensor) -> Tensor:
        return math.exp(self.mu) / (math.exp(self.mu) + (1 / t - 1))

    def _between(self, percent: float) -> float:
        return math.exp(self.mu) / (math.exp(self.mu) + (1 / (1 - percent) - 1))


def _check_above_zero(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}; it should be a finite number above 0")
