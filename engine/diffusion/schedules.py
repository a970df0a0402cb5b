"""Which levels of noise a run visits: schedules by name, made from a model's levels, and how sampler nodes pick them.

A schedule is a float32 tensor (steps + 1,) on the CPU, descending, that normally ends in 0.
"""

import math
from collections.abc import Callable
from difflib import get_close_matches

import numpy as np
import torch
from scipy.special import betaincinv
from torch import Tensor

from engine.diffusion.levels import Levels
from engine.diffusion.names import DISCARDS_PENULTIMATE, SCHEDULER_NAMES
from engine.diffusion.schedules_without_model import exponential, karras, with_zero

MAX_STEPS = 10000  # the widgets' own limit


def make_schedule(name: str, levels: Levels, steps: int) -> Tensor:
    """The schedule of this name for `steps` steps; `ddim_uniform` and `beta` may give a few more or fewer.

    Raises ValueError for an unknown name and for a step count outside 1 to 10000.
    """
    if name not in _RULES:
        near = get_close_matches(str(name), SCHEDULER_NAMES, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(SCHEDULER_NAMES)}"
        raise ValueError(f"there is no scheduler {name!r}; {hint}")
    check_steps(steps)
    return _RULES[name](levels, steps)


def check_steps(steps: int, most: int = MAX_STEPS) -> None:
    """Raise ValueError unless `steps` is a whole number from 1 to `most`."""
    if not (1 <= steps <= most and steps == int(steps)):
        raise ValueError(f"steps is {steps!r}; it should be a whole number from 1 to {most}")


def check_denoise(denoise: float) -> None:
    """Raise ValueError unless `denoise` is a number."""
    if not math.isfinite(denoise):
        raise ValueError(f"denoise is {denoise}; it should be a number from 0 (nothing) to 1 (all)")


def for_sampler(sampler: str, scheduler: str, levels: Levels, steps: int, denoise: float = 1.0) -> Tensor:
    """The schedule that sampler nodes use: below `denoise` 1 the tail of a longer one, at 0 an empty tensor.

    Samplers that reach below the last level get one step more and lose the last level above zero.
    """
    check_denoise(denoise)
    check_steps(steps)
    if denoise <= 0:
        return torch.empty(0)
    whole = denoise > 0.9999
    count = steps if whole else int(steps / denoise)
    if sampler in DISCARDS_PENULTIMATE:
        longer = make_schedule(scheduler, levels, count + 1)
        sigmas = torch.cat([longer[:-2], longer[-1:]])
    else:
        sigmas = make_schedule(scheduler, levels, count)
    return sigmas if whole else sigmas[-(steps + 1) :]


def basic(scheduler: str, levels: Levels, steps: int, denoise: float = 1.0) -> Tensor:
    """The schedule of the stand-alone node: the last `steps + 1` levels always, and nothing is discarded."""
    check_denoise(denoise)
    check_steps(steps)
    if denoise <= 0:
        return torch.empty(0)
    count = int(steps / denoise) if denoise < 1 else steps
    return make_schedule(scheduler, levels, count)[-(steps + 1) :]


def beta(levels: Levels, steps: int, alpha: float = 0.6, beta: float = 0.6) -> Tensor:
    """Levels at the quantiles of a beta distribution (Lee et al. 2024, arXiv 2407.12173); doubled ones are dropped."""
    check_steps(steps)
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}; it should be a finite number above 0")
    last = len(levels.table) - 1
    quantiles = betaincinv(alpha, beta, 1 - np.linspace(0, 1, steps, endpoint=False))
    indices = np.rint(quantiles * last).astype(int)
    kept = [index for i, index in enumerate(indices) if i == 0 or index != indices[i - 1]]
    return with_zero(levels.table[torch.tensor(kept)])


def sd_turbo(levels: Levels, steps: int, denoise: float = 1.0) -> Tensor:
    """The levels that SD Turbo was distilled at, every hundredth from 999 (Sauer et al. 2023); `steps` at most 10."""
    check_steps(steps, 10)
    check_denoise(denoise)
    first = 10 - int(10 * denoise)
    times = torch.arange(999, 0, -100)[first : first + steps]
    return with_zero(levels.sigma(times.float()))


def _simple(levels: Levels, steps: int) -> Tensor:
    """Entries of the table at equal distances."""
    count = len(levels.table)
    return with_zero(levels.table[[count - 1 - int(i * count / steps) for i in range(steps)]])


def _ddim_uniform(levels: Levels, steps: int) -> Tensor:
    """Entries at a whole-numbered distance, from the second upwards (Song et al. 2021); one step more may come out."""
    table = levels.table
    ends_in_table = _is_zero(table[1])
    stride = max(len(table) // (steps + 1 if ends_in_table else steps), 1)
    sigmas = table[1::stride].flip(0)
    return sigmas if ends_in_table else with_zero(sigmas)


def _normal(levels: Levels, steps: int) -> Tensor:
    """Equal distances in the network's time."""
    first, last = _time_range(levels)
    if _is_zero(levels.sigma(torch.tensor(last))):
        return levels.sigma(torch.linspace(first, last, steps + 1))
    return with_zero(levels.sigma(torch.linspace(first, last, steps)))


def _sgm_uniform(levels: Levels, steps: int) -> Tensor:
    """Equal distances in the network's time, where the last one leads to zero."""
    first, last = _time_range(levels)
    return with_zero(levels.sigma(torch.linspace(first, last, steps + 1)[:-1]))


def _time_range(levels: Levels) -> tuple[float, float]:
    first, last = levels.timestep(levels.table[[-1, 0]]).tolist()
    return first, last


def _is_zero(sigma: Tensor) -> bool:
    return abs(sigma.item()) <= 1e-5


def _linear_quadratic(levels: Levels, steps: int) -> Tensor:
    """Slow and linear over the first half, then a quadratic that joins smoothly (Mochi 1, Genmo 2024)."""
    if steps == 1:
        return torch.tensor([1.0, 0.0]) * levels.sigma_max
    half, threshold = steps // 2, 0.025
    rest = steps - half
    overtaken = half - threshold * steps
    square = overtaken / (half * rest**2)
    linear = threshold / half - 2 * overtaken / rest**2
    done = [i * threshold / half for i in range(half)]
    done += [square * i**2 + linear * i + square * half**2 for i in range(half, steps)]
    return (1 - torch.tensor([*done, 1.0])) * levels.sigma_max


def _kl_optimal(levels: Levels, steps: int) -> Tensor:
    """Equal distances in the angle of sigma (Sabour et al. 2024, section 3.1)."""
    ramp = torch.arange(steps) / max(steps - 1, 1)
    return with_zero((ramp * math.atan(levels.sigma_min) + (1 - ramp) * math.atan(levels.sigma_max)).tan())


_RULES: dict[str, Callable[[Levels, int], Tensor]] = {
    "simple": _simple,
    "sgm_uniform": _sgm_uniform,
    "karras": lambda levels, steps: karras(steps, levels.sigma_max, levels.sigma_min),
    "exponential": lambda levels, steps: exponential(steps, levels.sigma_max, levels.sigma_min),
    "ddim_uniform": _ddim_uniform,
    "beta": beta,
    "normal": _normal,
    "linear_quadratic": _linear_quadratic,
    "kl_optimal": _kl_optimal,
}
