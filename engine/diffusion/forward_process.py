"""The forward process: clean data on its way to noise, at once or step by step, and whether both agree.

All x have any shape (B, …) in units where clean data has about unit variance; `t` counts from 1, and 0 is the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from engine.diffusion.beta_schedules import NoiseSchedule
from engine.node.context import stop_if_cancelled

Way = Literal["closed_form", "step_by_step"]


def noised(x0: Tensor, noise: Tensor, alpha_bar: float) -> Tensor:
    """x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε: a draw of q(x_t | x_0) (Ho et al. 2020, eq. 4)."""
    return alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * noise


def stepped(x: Tensor, noise: Tensor, beta: float) -> Tensor:
    """x_t = √(1 − β_t) x_{t−1} + √β_t ε: a draw of q(x_t | x_{t−1}) (Ho et al. 2020, eq. 2)."""
    return (1 - beta) ** 0.5 * x + beta**0.5 * noise


def path(x0: Tensor, schedule: NoiseSchedule, way: Way, times: Sequence[int], seed: int) -> list[Tensor]:
    """x_t at each of `times`, in closed form with one noise for all, or step by step with a fresh one at each."""
    return (at_once if way == "closed_form" else step_by_step)(x0, schedule, times, seed)


def at_once(x0: Tensor, schedule: NoiseSchedule, times: Sequence[int], seed: int) -> list[Tensor]:
    """x_t at each of `times`, all with the same noise."""
    noise = noise_like(x0, seed)
    return [noised(x0, noise, schedule.alpha_bar(t)) for t in times]


def step_by_step(x0: Tensor, schedule: NoiseSchedule, times: Sequence[int], seed: int) -> list[Tensor]:
    """x_t at each of `times`, on one walk from t = 0 with fresh noise at every step."""
    wanted = set(times)
    seen = {t: x for t, x in _walk(x0, schedule, max(times, default=0), seed) if t in wanted}
    return [seen[t] for t in times]


def noise_like(x: Tensor, seed: int) -> Tensor:
    """Standard normal noise of x's shape from a seed, drawn on the CPU."""
    return torch.randn(x.shape, generator=Generator().manual_seed(seed)).to(x.device)


@dataclass(frozen=True)
class Agreement:
    """Moments of x_t over many walks from one x_0, beside those of the closed form q(x_t | x_0), at some times.

    The means (times, 2) are those of the darkest and the brightest element of x_0, the variances (times,) are averaged
    over all elements. Errors are the largest over times and elements, `*_scores` in units of their standard error.
    """

    times: list[int]
    samples: int
    walk_means: Tensor
    exact_means: Tensor
    walk_variances: Tensor
    exact_variances: Tensor
    mean_error: float
    mean_score: float
    variance_error: float
    variance_score: float
    recursion_error: float

    def __str__(self) -> str:
        return (
            f"{self.samples} walks of {self.times[-1]} steps beside the closed form, at {len(self.times)} times:\n"
            f"means differ by {self.mean_error:.3g} at most, which is {self.mean_score:.1f} standard errors;\n"
            f"variances differ by {self.variance_error:.3g} at most, {self.variance_score:.1f} standard errors;\n"
            f"moments carried from step to step without sampling differ by {self.recursion_error:.1g} at most"
        )


def agreement(x0: Tensor, schedule: NoiseSchedule, times: Sequence[int], samples: int, seed: int) -> Agreement:
    """Compare `samples` walks from x0, of any shape, with the closed form; the more elements, the longer it takes."""
    flat = x0.reshape(-1).float()
    times = sorted(set(times))
    if not times or times[-1] < 1 or samples < 2:
        raise ValueError(f"{samples} walks to t = {times[-1:]}: it should be two or more, to t = 1 or further")
    exact = torch.tensor([schedule.alpha_bar(t) for t in times])[:, None]
    wanted = set(times)
    seen = [x for t, x in _walk(flat.expand(samples, -1), schedule, times[-1], seed) if t in wanted]
    means, variances = torch.stack([x.mean(dim=0) for x in seen]), torch.stack([x.var(dim=0) for x in seen])
    mean_errors, variance_errors = (means - exact.sqrt() * flat).abs(), (variances - (1 - exact)).abs()
    # The standard error of a mean is √(s² / n), that of a normal variable's variance √(2 / (n − 1)) s².
    spread = (1 - exact).clamp(min=1e-12)
    ends = torch.stack([flat.argmin(), flat.argmax()])
    return Agreement(
        times,
        samples,
        means[:, ends],
        exact.sqrt() * flat[ends],
        variances.mean(dim=1),
        (1 - exact)[:, 0],
        mean_errors.max().item(),
        (mean_errors / (spread / samples).sqrt())[exact[:, 0] < 1].max().item(),
        variance_errors.max().item(),
        (variance_errors / (spread * (2 / (samples - 1)) ** 0.5))[exact[:, 0] < 1].max().item(),
        _recursion_error(schedule),
    )


def some_elements(x: Tensor, count: int) -> Tensor:
    """At most `count` elements of x, at equal distances in its order of brightness: (count,)."""
    ordered = x.reshape(-1).sort().values
    return ordered[torch.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().long()]


def _recursion_error(schedule: NoiseSchedule) -> float:
    """How far the moments that steps carry on, m → √(1 − β) m and s² → (1 − β) s² + β, are from the closed form."""
    mean, variance, worst = 1.0, 0.0, 0.0
    for beta, signal in zip(schedule.betas.tolist(), schedule.alpha_bars.tolist(), strict=True):
        mean, variance = (1 - beta) ** 0.5 * mean, (1 - beta) * variance + beta
        worst = max(worst, abs(mean - signal**0.5), abs(variance - (1 - signal)))
    return worst


def _walk(x0: Tensor, schedule: NoiseSchedule, last: int, seed: int) -> Iterator[tuple[int, Tensor]]:
    """(t, x_t) for t from 0 to `last`."""
    generator = Generator().manual_seed(seed)
    x = x0
    yield 0, x
    for t, beta in enumerate(schedule.betas[:last].tolist(), start=1):
        stop_if_cancelled()
        x = stepped(x, torch.randn(x.shape, generator=generator).to(x.device), beta)
        yield t, x
