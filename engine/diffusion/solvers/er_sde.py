"""ER-SDE: solvers of a family of reverse SDEs that a noise-scaling function spans (Cui et al. 2023)."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor

from engine.diffusion.solvers.notation import alpha, lambda_, with_finite_lambda
from engine.diffusion.solvers.options import Amount, Range
from engine.diffusion.solvers.setting import Setting, Steps

_POINTS = 200  # of the sums that stand for integrals


def _er_scale(u: Tensor) -> Tensor:
    """The paper's own noise scale (Cui et al. 2023, appendix A.8, "ER-SDE 5")."""
    return u * ((u**0.3).exp() + 10)


def er_sde(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    s_noise: Amount = 1.0,
    max_stage: Annotated[int, Range(1, 3)] = 3,
    noise_scaler_power: Annotated[float, Range(0)] | None = None,
) -> Steps:
    """Extended reverse-time SDE steps of first to third order (Cui et al. 2023, Algorithms 1 and 2).

    `noise_scaler_power` p replaces the noise scale by u**p: 1 is the ODE, 2 the ordinary reverse-time SDE.
    """
    scale: Callable[[Tensor], Tensor] = _er_scale if noise_scaler_power is None else lambda u: u**noise_scaler_power
    is_flow = setting.levels.is_flow
    sigmas = with_finite_lambda(sigmas, setting.levels)
    ratios = lambda_(sigmas, is_flow).neg().exp()  # sigma / alpha
    x0_prev = change_prev = None
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        n, n_next, alpha_next = ratios[i], ratios[i + 1], alpha(sigma_next, is_flow)
        r = scale(n_next) / scale(n)
        x_next = alpha_next / alpha(sigma, is_flow) * r * x + alpha_next * (1 - r) * x0
        change = None
        if max_stage >= 2 and x0_prev is not None:
            dt = n_next - n
            width = -dt / _POINTS
            points = n_next + torch.arange(_POINTS, dtype=n.dtype, device=n.device) * width
            integral = width * (1 / scale(points)).sum()
            change = (x0 - x0_prev) / (n - ratios[i - 1])
            x_next = x_next + alpha_next * (dt + integral * scale(n_next)) * change
            if max_stage >= 3 and change_prev is not None:
                moment = width * ((points - n) / scale(points)).sum()
                bend = (change - change_prev) / ((n - ratios[i - 2]) / 2)
                x_next = x_next + alpha_next * (dt**2 / 2 + moment * scale(n_next)) * bend
        if s_noise > 0:
            spread = (n_next**2 - n**2 * r**2).sqrt().nan_to_num(nan=0.0)
            x_next = x_next + alpha_next * s_noise * spread * setting.noise(sigma, sigma_next)
        x, x0_prev, change_prev = x_next, x0, change
    return x
