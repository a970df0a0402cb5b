"""How fast a forward process adds noise: the variances of its steps as one value, and the rules that papers give.

The process is x_t = √(1 − β_t) x_{t−1} + √β_t ε, t = 1 … T (Ho et al. 2020, eq. 2). `t` counts from 1 here as it does
there, and 0 is the clean image; a network that numbers its steps from 0 is told t − 1.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from engine.diffusion.levels import DiscreteLevels

MOST_BETA = 0.999  # where a rule in alpha-bar would leave no signal at all (Nichol & Dhariwal 2021, section 3.2)
LEAST_SIGNAL = 4.8973451890853435e-08  # of a level that has to be finite, as everywhere for zero terminal models


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """The variances β_1 … β_T of a forward process, (T,) float64, and all that follows from them, (T,) each.

    Raises ValueError unless every β lies above 0 and below 1; the last may be 1, which leaves no signal.
    """

    name: str
    betas: Tensor

    def __post_init__(self) -> None:
        betas = torch.as_tensor(self.betas, dtype=torch.float64)
        if betas.ndim != 1 or len(betas) < 2:
            raise ValueError(f"a noise schedule is a list of two betas or more, not of shape {tuple(betas.shape)}")
        inside = (betas > 0) & (betas < 1)
        inside[-1] |= betas[-1] == 1
        if not inside.all():
            t = int((~inside).nonzero()[0]) + 1
            raise ValueError(f"beta is {betas[t - 1]:g} at t = {t} of {len(betas)}; it should be between 0 and 1")
        object.__setattr__(self, "betas", betas)

    def __len__(self) -> int:
        return len(self.betas)

    @cached_property
    def alpha_bars(self) -> Tensor:
        """ᾱ_t = ∏ (1 − β_s), the share of the image in the variance of x_t (Ho et al. 2020, eq. 4)."""
        return torch.cumprod(1 - self.betas, dim=0)

    @cached_property
    def posterior_variances(self) -> Tensor:
        """β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) β_t, the variance of q(x_{t−1} | x_t, x_0) (eq. 7); 0 at t = 1."""
        before = torch.cat([self.alpha_bars.new_ones(1), self.alpha_bars[:-1]])
        return (1 - before) / (1 - self.alpha_bars) * self.betas

    @cached_property
    def snr(self) -> Tensor:
        """ᾱ_t / (1 − ᾱ_t), the ratio of signal to noise (Kingma et al. 2021)."""
        return self.alpha_bars / (1 - self.alpha_bars)

    @cached_property
    def sigmas(self) -> Tensor:
        """√((1 − ᾱ_t) / ᾱ_t), the level of noise beside an image of full size; infinite without signal."""
        return self.snr.rsqrt()

    def alpha_bar(self, t: int) -> float:
        """ᾱ_t for t from 0, the clean image, to T. Raises ValueError beyond."""
        if not 0 <= t <= len(self):
            raise ValueError(f"t is {t}; the schedule {self.name!r} goes from 0 (the image) to {len(self)} (noise)")
        return 1.0 if t == 0 else self.alpha_bars[t - 1].item()


@dataclass(frozen=True)
class ScheduleLevels(DiscreteLevels):
    """The levels of a model that was trained on the steps of a given schedule."""

    schedule: NoiseSchedule | None = None

    @cached_property
    def _signal(self) -> Tensor:
        return super()._signal.clamp(min=LEAST_SIGNAL)

    def _variances(self) -> Tensor:
        return super()._variances() if self.schedule is None else self.schedule.betas

    def _between(self, percent: float) -> float:
        return self.sigma(torch.tensor((1 - percent) * (len(self.table) - 1))).item()


def linear(steps: int = 1000, start: float = 1e-4, end: float = 0.02) -> NoiseSchedule:
    """β at equal distances (Ho et al. 2020, section 4)."""
    return NoiseSchedule("linear", torch.linspace(start, end, steps, dtype=torch.float64))


def scaled_linear(steps: int = 1000, start: float = 0.00085, end: float = 0.012) -> NoiseSchedule:
    """√β at equal distances (Rombach et al. 2022): the schedule of Stable Diffusion."""
    _check_not_negative(start=start, end=end)
    return NoiseSchedule("scaled linear", torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2)


def cosine(steps: int = 1000, offset: float = 0.008, most: float = MOST_BETA) -> NoiseSchedule:
    """ᾱ along a squared cosine (Nichol & Dhariwal 2021, eq. 17), β cut at `most`."""
    _check_not_negative(offset=offset)
    kept = torch.cos((_ramp(steps) + offset) / (1 + offset) * math.pi / 2) ** 2
    return NoiseSchedule("cosine", _betas(kept, most))


def sigmoid(
    steps: int = 1000, start: float = -3.0, end: float = 3.0, tau: float = 1.0, most: float = MOST_BETA
) -> NoiseSchedule:
    """ᾱ along a sigmoid from `start` to `end` at temperature `tau` (Jabri et al. 2022; Chen 2023, Algorithm 1)."""
    if not start < end or not 0 < tau < math.inf:
        raise ValueError(f"the sigmoid runs from {start} to {end} at tau {tau}; it should rise, with tau above 0")
    curve = ((_ramp(steps) * (end - start) + start) / tau).sigmoid()
    return NoiseSchedule("sigmoid", _betas((curve[-1] - curve) / (curve[-1] - curve[0]), most))


def sigmoid_beta(steps: int = 1000, start: float = 1e-4, end: float = 0.02) -> NoiseSchedule:
    """β along a sigmoid from −6 to 6 (Xu et al. 2022, GeoDiff)."""
    curve = torch.linspace(-6, 6, steps, dtype=torch.float64).sigmoid()
    return NoiseSchedule("sigmoid in beta", curve * (end - start) + start)


def from_numbers(text: str, meaning: Literal["beta", "alpha_bar"] = "beta") -> NoiseSchedule:
    """A schedule from numbers between commas, semicolons or blanks, which are β_t or ᾱ_t for t = 1 … T."""
    numbers = torch.tensor(numbers_in(text), dtype=torch.float64)
    if meaning == "beta":
        return NoiseSchedule("given", numbers)
    signal = torch.cat([numbers.new_ones(1), numbers])
    if not (signal[1:] < signal[:-1]).all() or (numbers < 0).any():
        raise ValueError("alpha-bar falls from below 1 at t = 1 to 0 or more at the end, each smaller than the last")
    return NoiseSchedule("given", 1 - signal[1:] / signal[:-1])


def with_zero_terminal_snr(schedule: NoiseSchedule) -> NoiseSchedule:
    """√ᾱ moved and scaled so that nothing of the image is left at T, and ᾱ_1 stays (Lin et al. 2023, Algorithm 1)."""
    root = schedule.alpha_bars.sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    signal = torch.cat([root.new_ones(1), root**2])
    return NoiseSchedule(f"{schedule.name}, zero terminal SNR", 1 - signal[1:] / signal[:-1])


def numbers_in(text: str) -> list[float]:
    """The numbers of a text, between commas, semicolons or blanks. Raises ValueError, naming what is none."""
    numbers: list[float] = []
    for word in re.split(r"[\s,;]+", text.strip()):
        try:
            numbers.append(float(word))
        except ValueError:
            raise ValueError(f"{word!r} is not a number; write some between commas, such as 0.1, 0.2, 0.4") from None
    return numbers


def times_in(text: str, schedule: NoiseSchedule, count: int) -> Sequence[int]:
    """The times t that a text lists, or `count` ones from 0 to T where it is empty. Raises ValueError beyond T."""
    if not text.strip():
        return [round(i * len(schedule) / max(count - 1, 1)) for i in range(count)]
    numbers = numbers_in(text)
    if not all(number.is_integer() for number in numbers):
        raise ValueError(f"the times {text!r} should be whole numbers from 0 to {len(schedule)}")
    times = [int(number) for number in numbers]
    for t in times:
        schedule.alpha_bar(t)
    return times


def _ramp(steps: int) -> Tensor:
    return torch.arange(steps + 1, dtype=torch.float64) / steps


def _betas(signal: Tensor, most: float) -> Tensor:
    """β_1 … β_T of ᾱ_0 … ᾱ_T up to a factor, cut at `most`."""
    return (1 - signal[1:] / signal[:-1]).clamp(max=most)


def _check_not_negative(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} is {value}; it should be a finite number, 0 or more")
