"""SEEDS: exponential single-step solvers of the diffusion SDE with stages that share noise (Gonzalez et al. 2023)."""

from itertools import pairwise

import torch
from torch import Tensor

from engine.diffusion.solvers.notation import alpha, lambda_, sigma_at, with_finite_lambda
from engine.diffusion.solvers.options import Amount, Positive
from engine.diffusion.solvers.setting import Midway, Setting, Steps


class _Noise:
    """The noise of a step's stages: each keeps a part of the last stage's and adds a fresh one."""

    def __init__(self, x: Tensor, h: Tensor, eta: float, s_noise: float) -> None:
        self._z = torch.zeros_like(x)
        self._h, self._eta, self._s_noise, self._at = h, eta, s_noise, 0.0

    def at(self, r: float, sigma: Tensor, sigma_stage: Tensor, setting: Setting) -> Tensor | float:
        """The noise to add at `r` of the step; 0 where there is none to add."""
        if self._eta == 0 or self._s_noise == 0:
            return 0.0
        passed = (self._at - r) * self._h * self._eta
        fresh = (-(2 * passed).expm1()).sqrt() * setting.noise(sigma, sigma_stage)
        self._z, self._at = passed.exp() * self._z + fresh, r
        return sigma_stage * self._s_noise * self._z


def _psi(u: Tensor) -> Tensor:
    return (u.expm1() - u) / u


def seeds_2(
    x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0, r: Positive = 0.5
) -> Steps:
    """SEEDS-2 in terms of the clean latent (Gonzalez et al. 2023, Algorithm 2)."""
    is_flow = setting.levels.is_flow
    for sigma, sigma_next in pairwise(with_finite_lambda(sigmas, setting.levels)):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        start, end = lambda_(sigma, is_flow), lambda_(sigma_next, is_flow)
        h = end - start
        h_eta, noise = h * (1 + eta), _Noise(x, h, eta, s_noise)
        sigma_mid = sigma_at(start + r * h, is_flow)

        x_2 = sigma_mid / sigma * (-r * h * eta).exp() * x - alpha(sigma_mid, is_flow) * (-r * h_eta).expm1() * x0
        x_2 = x_2 + noise.at(r, sigma, sigma_mid, setting)
        x0_2 = yield Midway(x_2, sigma_mid)

        target = torch.lerp(x0, x0_2, 1 / (2 * r))
        x = sigma_next / sigma * (-h * eta).exp() * x - alpha(sigma_next, is_flow) * (-h_eta).expm1() * target
        x = x + noise.at(1.0, sigma, sigma_next, setting)
    return x


def seeds_3(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
    r_1: Positive = 1 / 3,
    r_2: Positive = 2 / 3,
) -> Steps:
    """SEEDS-3 in terms of the clean latent (Gonzalez et al. 2023, Algorithm 3)."""
    is_flow = setting.levels.is_flow
    for sigma, sigma_next in pairwise(with_finite_lambda(sigmas, setting.levels)):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        start, end = lambda_(sigma, is_flow), lambda_(sigma_next, is_flow)
        h = end - start
        h_eta, noise = h * (1 + eta), _Noise(x, h, eta, s_noise)
        sigma_1, sigma_2 = (sigma_at(start + r * h, is_flow) for r in (r_1, r_2))

        x_1 = sigma_1 / sigma * (-r_1 * h * eta).exp() * x - alpha(sigma_1, is_flow) * (-r_1 * h_eta).expm1() * x0
        x_1 = x_1 + noise.at(r_1, sigma, sigma_1, setting)
        x0_1 = yield Midway(x_1, sigma_1)

        weight = r_2 / r_1 * _psi(-r_2 * h_eta)
        target = ((-r_2 * h_eta).expm1() - weight) * x0 + weight * x0_1
        x_2 = sigma_2 / sigma * (-r_2 * h * eta).exp() * x - alpha(sigma_2, is_flow) * target
        x_2 = x_2 + noise.at(r_2, sigma, sigma_2, setting)
        x0_2 = yield Midway(x_2, sigma_2)

        weight = _psi(-h_eta) / r_2
        target = ((-h_eta).expm1() - weight) * x0 + weight * x0_2
        x = sigma_next / sigma * (-h * eta).exp() * x - alpha(sigma_next, is_flow) * target
        x = x + noise.at(1.0, sigma, sigma_next, setting)
    return x
