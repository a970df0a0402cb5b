"""Stochastic one-step solvers: each step goes further down than asked, and comes back up with fresh noise."""

from itertools import pairwise

import torch
from torch import Tensor

from engine.diffusion.solvers.notation import lambda_, sigma_at, slope
from engine.diffusion.solvers.options import Amount
from engine.diffusion.solvers.setting import Midway, Setting, Steps
from engine.diffusion.solvers.splits import ancestral_split, flow_split


def _moved(x: Tensor, x0: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """x moved along the line to x0, from one level to another."""
    ratio = sigma_next / sigma
    return ratio * x + (1 - ratio) * x0


def euler_ancestral(x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0) -> Steps:
    """Ancestral sampling with Euler steps (Song et al. 2021, eq. 12; Ho et al. 2020 at eta 1)."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        if setting.levels.is_flow:
            if sigma_next == 0:
                x = x0
                continue
            down, scale, up = flow_split(sigma, sigma_next, eta)
            x = _moved(x, x0, sigma, down)
            if eta > 0:
                x = scale * x + s_noise * up * setting.noise(sigma, sigma_next)
        else:
            down, up = ancestral_split(sigma, sigma_next, eta)
            if down == 0:
                x = x0
                continue
            x = x + slope(x, sigma, x0) * (down - sigma) + s_noise * up * setting.noise(sigma, sigma_next)
    return x


def dpm_2_ancestral(x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0) -> Steps:
    """Ancestral sampling with the midpoint steps of DPM-Solver-2 (Lu et al. 2022a)."""
    is_flow = setting.levels.is_flow
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        d = slope(x, sigma, x0)
        if is_flow:
            down, scale, up = flow_split(sigma, sigma_next, eta)
        else:
            down, up = ancestral_split(sigma, sigma_next, eta)
            scale = torch.ones_like(down)
        if down == 0:
            x = x - d * sigma
            continue
        sigma_mid = (sigma * down).sqrt()
        x_2 = x + d * (sigma_mid - sigma)
        x0 = yield Midway(x_2, sigma_mid)
        x = x + slope(x_2, sigma_mid, x0) * (down - sigma)
        x = scale * x + s_noise * up * setting.noise(sigma, sigma_next)
    return x


def dpmpp_2s_ancestral(
    x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0
) -> Steps:
    """Ancestral sampling with the single-step second-order DPM-Solver++ (Lu et al. 2022b, Algorithm 1)."""
    is_flow = setting.levels.is_flow
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        if is_flow:
            down, scale, up = flow_split(sigma, sigma_next, eta)
        else:
            down, up = ancestral_split(sigma, sigma_next, eta)
            scale = torch.ones_like(down)
        if down == 0:
            x = x + slope(x, sigma, x0) * (down - sigma)
        else:
            sigma_mid = _middle(sigma, down, is_flow)
            x_2 = _moved(x, x0, sigma, sigma_mid)
            x0 = yield Midway(x_2, sigma_mid)
            x = _moved(x, x0, sigma, down)
        if sigma_next > 0 and (eta > 0 or not is_flow):
            x = scale * x + s_noise * up * setting.noise(sigma, sigma_next)
    return x


def _middle(sigma: Tensor, down: Tensor, is_flow: bool) -> Tensor:
    """The level halfway in lambda. Pure noise of a flow model has none, and stays nearly pure."""
    if not is_flow:
        return (sigma * down).sqrt()
    if sigma == 1:
        return torch.full_like(sigma, 0.9999)
    return sigma_at((lambda_(sigma, is_flow=True) + lambda_(down, is_flow=True)) / 2, is_flow=True)


def ddpm(x: Tensor, sigmas: Tensor, setting: Setting) -> Steps:
    """The ancestral sampler of Ho et al. (2020), Algorithm 2, in terms of sigma."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        signal, signal_next = 1 / (sigma**2 + 1), 1 / (sigma_next**2 + 1)  # the paper's alpha-bar
        kept = signal / signal_next
        epsilon = slope(x, sigma, x0)
        x = (x / (1 + sigma**2).sqrt() - (1 - kept) * epsilon / (1 - signal).sqrt()) / kept.sqrt()
        if sigma_next > 0:
            spread = ((1 - kept) * (1 - signal_next) / (1 - signal)).sqrt()
            x = (x + spread * setting.noise(sigma, sigma_next)) * (1 + sigma_next**2).sqrt()
    return x


def lcm(x: Tensor, sigmas: Tensor, setting: Setting) -> Steps:
    """Multistep consistency sampling: to the end at once, and back with fresh noise (Luo et al. 2023, Algorithm 3)."""
    for sigma, sigma_next in pairwise(sigmas):
        x = yield x, sigma
        if sigma_next > 0:
            x = setting.levels.noised(x, setting.noise(sigma, sigma_next), sigma_next)
    return x
