"""DPM-Solver++: exponential integrators of the clean latent in lambda, as ODE and as SDE (Lu et al. 2022b)."""

from itertools import pairwise
from typing import Literal

from torch import Tensor

from engine.diffusion.solvers.notation import alpha, lambda_, sigma_at, with_finite_lambda
from engine.diffusion.solvers.options import Amount, Positive
from engine.diffusion.solvers.setting import Midway, Setting, Steps
from engine.diffusion.solvers.splits import ancestral_split


def dpmpp_2m(x: Tensor, sigmas: Tensor, setting: Setting) -> Steps:
    """Second-order multistep DPM-Solver++ (Lu et al. 2022b, Algorithm 2), with lambda = -ln sigma for every model."""
    x0_prev, h_prev = None, None
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        ratio, h = sigma_next / sigma, (sigma / sigma_next).log()
        target = x0
        if x0_prev is not None and h_prev is not None and sigma_next > 0:
            ahead = h / (2 * h_prev)
            target = (1 + ahead) * x0 - ahead * x0_prev
        x = ratio * x + (1 - ratio) * target
        x0_prev, h_prev = x0, h
    return x


def dpmpp_sde(
    x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0, r: Positive = 0.5
) -> Steps:
    """Second-order single-step SDE-DPM-Solver++ (Lu et al. 2022b, section 5), with its middle at `r` of lambda."""
    is_flow = setting.levels.is_flow
    has_noise = eta > 0 and s_noise > 0
    for sigma, sigma_next in pairwise(with_finite_lambda(sigmas, setting.levels)):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        start, end = lambda_(sigma, is_flow), lambda_(sigma_next, is_flow)
        middle = start + r * (end - start)  # in this order: the Brownian path feels the last bit of the level
        sigma_mid = sigma_at(middle, is_flow)
        alpha_start, alpha_mid, alpha_end = sigma * start.exp(), sigma_mid * middle.exp(), sigma_next * end.exp()

        down, up = ancestral_split(start.neg().exp(), middle.neg().exp(), eta)
        ratio = down / start.neg().exp()
        x_2 = alpha_mid / alpha_start * ratio * x + alpha_mid * (1 - ratio) * x0
        if has_noise:
            x_2 = x_2 + alpha_mid * s_noise * up * setting.noise(sigma, sigma_mid)
        x0_2 = yield Midway(x_2, sigma_mid)

        down, up = ancestral_split(start.neg().exp(), end.neg().exp(), eta)
        ratio = down / start.neg().exp()
        target = (1 - 1 / (2 * r)) * x0 + 1 / (2 * r) * x0_2
        x = alpha_end / alpha_start * ratio * x + alpha_end * (1 - ratio) * target
        if has_noise:
            x = x + alpha_end * s_noise * up * setting.noise(sigma, sigma_next)
    return x


def dpmpp_2m_sde(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
    solver_type: Literal["midpoint", "heun"] = "midpoint",
) -> Steps:
    """Second-order multistep SDE-DPM-Solver++ (Lu et al. 2022b, section 5)."""
    is_flow = setting.levels.is_flow
    x0_prev, h_prev = None, None
    for sigma, sigma_next in pairwise(with_finite_lambda(sigmas, setting.levels)):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        h = lambda_(sigma_next, is_flow) - lambda_(sigma, is_flow)
        h_eta, alpha_next = h * (1 + eta), alpha(sigma_next, is_flow)
        gain = -(-h_eta).expm1()
        x = sigma_next / sigma * (-eta * h).exp() * x + alpha_next * gain * x0
        if x0_prev is not None and h_prev is not None:
            weight = gain / 2 if solver_type == "midpoint" else 1 - gain / h_eta
            x = x + alpha_next * weight * (x0 - x0_prev) * (h / h_prev)
        if eta > 0 and s_noise > 0:
            x = x + _fresh_noise(sigma, sigma_next, h, eta, s_noise, setting)
        x0_prev, h_prev = x0, h
    return x


def dpmpp_3m_sde(x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0) -> Steps:
    """Third-order multistep SDE-DPM-Solver++: dpmpp_2m_sde with one more difference (after Lu et al. 2022b)."""
    is_flow = setting.levels.is_flow
    x0_1 = x0_2 = h_1 = h_2 = None  # of one and of two steps ago
    for sigma, sigma_next in pairwise(with_finite_lambda(sigmas, setting.levels)):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        h = lambda_(sigma_next, is_flow) - lambda_(sigma, is_flow)
        h_eta, alpha_next = h * (1 + eta), alpha(sigma_next, is_flow)
        x = sigma_next / sigma * (-eta * h).exp() * x - alpha_next * (-h_eta).expm1() * x0
        phi_2 = (-h_eta).expm1() / h_eta + 1
        if x0_1 is not None and h_1 is not None:
            first = (x0 - x0_1) / (h_1 / h)
            if x0_2 is not None and h_2 is not None:
                r_0, r_1 = h_1 / h, h_2 / h
                earlier = (x0_1 - x0_2) / r_1
                second = (first - earlier) / (r_0 + r_1)
                first = first + second * r_0
                x = x + alpha_next * (phi_2 * first - (phi_2 / h_eta - 0.5) * second)
            else:
                x = x + alpha_next * phi_2 * first
        if eta > 0 and s_noise > 0:
            x = x + _fresh_noise(sigma, sigma_next, h, eta, s_noise, setting)
        x0_1, x0_2, h_1, h_2 = x0, x0_1, h, h_1
    return x


def _fresh_noise(sigma: Tensor, sigma_next: Tensor, h: Tensor, eta: float, s_noise: float, setting: Setting) -> Tensor:
    return s_noise * sigma_next * (-(-2 * eta * h).expm1()).sqrt() * setting.noise(sigma, sigma_next)
