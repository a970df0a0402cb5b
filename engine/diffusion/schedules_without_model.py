"""Schedules that need no model: closed formulas between two levels, and levels tuned for one kind of model."""

import math

import numpy as np
import torch
from torch import Tensor


def with_zero(sigmas: Tensor) -> Tensor:
    """The levels, and the 0 that a run ends at."""
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def karras(steps: int, sigma_max: float = 14.614642, sigma_min: float = 0.0291675, rho: float = 7.0) -> Tensor:
    """Equal distances in the rho-th root of sigma (Karras et al. 2022, eq. 5)."""
    _check(steps, sigma_max=sigma_max, sigma_min=sigma_min)
    _check_positive(rho=rho)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return with_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** rho)


def exponential(steps: int, sigma_max: float = 14.614642, sigma_min: float = 0.0291675) -> Tensor:
    """Equal distances in the logarithm of sigma."""
    _check(steps)
    _check_positive(sigma_max=sigma_max, sigma_min=sigma_min)
    return with_zero(torch.linspace(math.log(sigma_max), math.log(sigma_min), steps).exp())


def polyexponential(steps: int, sigma_max: float = 14.614642, sigma_min: float = 0.0291675, rho: float = 1.0) -> Tensor:
    """A power of the way in the logarithm of sigma: `rho` above 1 spends more steps at low levels."""
    _check(steps, rho=rho)
    _check_positive(sigma_max=sigma_max, sigma_min=sigma_min)
    ramp = torch.linspace(1, 0, steps) ** rho
    return with_zero((ramp * (math.log(sigma_max) - math.log(sigma_min)) + math.log(sigma_min)).exp())


def laplace(
    steps: int, sigma_max: float = 14.614642, sigma_min: float = 0.0291675, mu: float = 0.0, beta: float = 0.5
) -> Tensor:
    """Quantiles of a Laplace distribution of ln sigma (Hang et al. 2024); no 0 follows the last level."""
    _check(steps, sigma_max=sigma_max, sigma_min=sigma_min, beta=beta)
    if not math.isfinite(mu):
        raise ValueError(f"mu is {mu}; it should be a finite number")
    from_median = 0.5 - torch.linspace(0, 1, steps)
    log_sigma = mu - beta * from_median.sign() * (1 - 2 * from_median.abs() + 1e-5).log()
    return log_sigma.exp().clamp(sigma_min, sigma_max)


def vp(steps: int, beta_d: float = 19.9, beta_min: float = 0.1, eps_s: float = 0.001) -> Tensor:
    """Equal distances in the time of a variance-preserving process (Song et al. 2021, appendix C)."""
    _check(steps, beta_d=beta_d, beta_min=beta_min, eps_s=eps_s)
    t = torch.linspace(1, eps_s, steps)
    return with_zero((beta_d * t**2 / 2 + beta_min * t).expm1().sqrt())


ALIGNED_STEPS: dict[str, tuple[float, ...]] = {
    "SD1": (
        14.6146412293,
        6.4745760956,
        3.8636745985,
        2.6946151520,
        1.8841921177,
        1.3943805092,
        0.9642583904,
        0.6523686016,
        0.3977456272,
        0.1515232662,
        0.0291671582,
    ),
    "SDXL": (
        14.6146412293,
        6.3184485287,
        3.7681790315,
        2.1811480769,
        1.3405244945,
        0.8620721141,
        0.5550693289,
        0.3798540708,
        0.2332364134,
        0.1114188177,
        0.0291671582,
    ),
    "SVD": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
}
"""Levels fitted for three kinds of model (Sabour et al. 2024, "Align Your Steps")."""

# fmt: off
OPTIMAL_STEPS: dict[str, tuple[float, ...]] = {
    "FLUX": (0.9968, 0.9886, 0.9819, 0.975, 0.966, 0.9471, 0.9158, 0.8287, 0.5512, 0.2808, 0.001),
    "Wan": (
        1.0, 0.997, 0.995, 0.993, 0.991, 0.989, 0.987, 0.985, 0.98, 0.975, 0.973, 0.968, 0.96, 0.946, 0.927, 0.902,
        0.864, 0.776, 0.539, 0.208, 0.001,
    ),
    "Chroma": (
        0.992, 0.99, 0.988, 0.985, 0.982, 0.978, 0.973, 0.968, 0.961, 0.953, 0.943, 0.931, 0.917, 0.9, 0.881, 0.858,
        0.832, 0.802, 0.769, 0.731, 0.69, 0.646, 0.599, 0.55, 0.501, 0.451, 0.402, 0.355, 0.311, 0.27, 0.232, 0.199,
        0.169, 0.143, 0.12, 0.101, 0.084, 0.07, 0.058, 0.048, 0.001,
    ),
}
# fmt: on
"""Levels found by search over a model's own trajectories (Pei et al. 2025, "Optimal Stepsize")."""


def align_your_steps(model_type: str, steps: int, denoise: float = 1.0) -> Tensor:
    """The levels fitted for "SD1", "SDXL" or "SVD", interpolated in their logarithm to any step count."""
    return _from_levels(ALIGNED_STEPS, model_type, steps, denoise)


def optimal_steps(model_type: str, steps: int, denoise: float = 1.0) -> Tensor:
    """The levels fitted for "FLUX", "Wan" or "Chroma", interpolated in their logarithm to any step count."""
    return _from_levels(OPTIMAL_STEPS, model_type, steps, denoise)


def _from_levels(known: dict[str, tuple[float, ...]], model_type: str, steps: int, denoise: float) -> Tensor:
    if model_type not in known:
        raise ValueError(f"there are no levels for model type {model_type!r}; known are {', '.join(known)}")
    _check(steps)
    if not math.isfinite(denoise):
        raise ValueError(f"denoise is {denoise}; it should be a number from 0 (nothing) to 1 (all)")
    if denoise <= 0:
        return torch.empty(0)
    levels = np.array(known[model_type])
    if steps + 1 != len(levels):
        positions = np.linspace(0, 1, steps + 1)
        levels = np.exp(np.interp(positions, np.linspace(0, 1, len(levels)), np.log(levels)))
    kept = steps if denoise >= 1 else round(steps * denoise)
    levels = levels[-(kept + 1) :]
    levels[-1] = 0
    return torch.tensor(levels, dtype=torch.float32)


def _check(steps: int, **not_negative: float) -> None:
    if steps < 1:
        raise ValueError(f"steps is {steps}; it should be at least 1")
    for name, value in not_negative.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} is {value}; it should be a finite number, 0 or more")


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}; it should be a finite number above 0")
