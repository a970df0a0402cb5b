"""One-step solvers of the probability-flow ODE in sigma: Euler, Heun, and their variants, with churn."""

import math
from itertools import pairwise
from typing import Annotated

from torch import Tensor

from engine.diffusion.solvers.notation import slope
from engine.diffusion.solvers.options import Amount, Range
from engine.diffusion.solvers.setting import Midway, Setting, Steps
from engine.diffusion.solvers.splits import Churn

Highest = Annotated[float, Range(0, math.inf)]


def euler(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    s_churn: Amount = 0.0,
    s_tmin: Amount = 0.0,
    s_tmax: Highest = math.inf,
    s_noise: Amount = 1.0,
) -> Steps:
    """Euler steps, Algorithm 2 of Karras et al. (2022) without its second half; without churn this is DDIM."""
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise, len(sigmas) - 1, setting.churn)
    for sigma, sigma_next in pairwise(sigmas):
        x, sigma_hat = churn(x, sigma)
        x0 = yield x, sigma_hat
        x = x + slope(x, sigma_hat, x0) * (sigma_next - sigma_hat)
    return x


def heun(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    s_churn: Amount = 0.0,
    s_tmin: Amount = 0.0,
    s_tmax: Highest = math.inf,
    s_noise: Amount = 1.0,
) -> Steps:
    """Heun's second-order steps, Algorithm 2 of Karras et al. (2022)."""
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise, len(sigmas) - 1, setting.churn)
    for sigma, sigma_next in pairwise(sigmas):
        x, sigma_hat = churn(x, sigma)
        x0 = yield x, sigma_hat
        d, dt = slope(x, sigma_hat, x0), sigma_next - sigma_hat
        if sigma_next > 0:
            x_2 = x + d * dt
            x0 = yield Midway(x_2, sigma_next)
            d = (d + slope(x_2, sigma_next, x0)) / 2
        x = x + d * dt
    return x


def heunpp2(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    s_churn: Amount = 0.0,
    s_tmin: Amount = 0.0,
    s_tmax: Highest = math.inf,
    s_noise: Amount = 1.0,
) -> Steps:
    """Heun steps that look two levels ahead and weigh the slopes by their levels (Karras et al. 2022, extended)."""
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise, len(sigmas) - 1, setting.churn)
    first, end = sigmas[0], sigmas[-1]
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        x, sigma_hat = churn(x, sigma, always_draws=s_churn > 0)
        x0 = yield x, sigma_hat
        d, dt = slope(x, sigma_hat, x0), sigma_next - sigma_hat
        if sigma_next != end:
            x_2 = x + d * dt
            x0 = yield Midway(x_2, sigma_next)
            d_2 = slope(x_2, sigma_next, x0)
            sigma_third = sigmas[i + 2]
            if sigma_third == end:
                w_2 = sigma_next / (2 * first)
                d = (1 - w_2) * d + w_2 * d_2
            else:
                x_3 = x_2 + d_2 * (sigma_third - sigma_next)
                x0 = yield Midway(x_3, sigma_third)
                w_2, w_3 = sigma_next / (3 * first), sigma_third / (3 * first)
                d = (1 - w_2 - w_3) * d + w_2 * d_2 + w_3 * slope(x_3, sigma_third, x0)
        x = x + d * dt
    return x


def dpm_2(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    s_churn: Amount = 0.0,
    s_tmin: Amount = 0.0,
    s_tmax: Highest = math.inf,
    s_noise: Amount = 1.0,
) -> Steps:
    """Midpoint steps, with the middle taken in ln sigma as in DPM-Solver-2 (Lu et al. 2022a)."""
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise, len(sigmas) - 1, setting.churn)
    for sigma, sigma_next in pairwise(sigmas):
        x, sigma_hat = churn(x, sigma)
        x0 = yield x, sigma_hat
        d = slope(x, sigma_hat, x0)
        if sigma_next > 0:
            sigma_mid = (sigma_hat * sigma_next).sqrt()
            x_2 = x + d * (sigma_mid - sigma_hat)
            x0 = yield Midway(x_2, sigma_mid)
            d = slope(x_2, sigma_mid, x0)
        x = x + d * (sigma_next - sigma_hat)
    return x
