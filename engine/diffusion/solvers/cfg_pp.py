"""CFG++: solvers whose noise comes from the negative prompt's prediction alone (Chung et al. 2024).

Each is sent a Prediction: x0 is the guided one, `uncond` that of the negative prompt at the same ask.
"""

from itertools import pairwise
from typing import Literal

from torch import Tensor

from engine.diffusion.drive import Prediction
from engine.diffusion.solvers.notation import alpha, slope
from engine.diffusion.solvers.options import Amount
from engine.diffusion.solvers.res_multistep import two_step
from engine.diffusion.solvers.setting import GuidedSteps, Midway, Setting
from engine.diffusion.solvers.splits import ancestral_split


def _both(prediction: Prediction) -> tuple[Tensor, Tensor]:
    if prediction.uncond is None:
        raise ValueError(
            "a CFG++ sampler needs the negative prompt's prediction; this guider evaluates no negative prompt"
        )
    return prediction.x0, prediction.uncond


def euler_ancestral_cfg_pp(
    x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0
) -> GuidedSteps:
    """Euler steps of CFG++ (Chung et al. 2024, Algorithm 2), ancestral in sigma / alpha."""
    is_flow = setting.levels.is_flow
    for sigma, sigma_next in pairwise(sigmas):
        x0, uncond = _both((yield x, sigma))
        if sigma_next == 0:
            x = x0
            continue
        share, share_next = alpha(sigma, is_flow), alpha(sigma_next, is_flow)
        d = slope(x, sigma, share * uncond)
        down, up = ancestral_split(sigma / share, sigma_next / share_next, eta)
        x = share_next * x0 + share_next * down * d
        if eta > 0 and s_noise > 0:
            x = x + share_next * s_noise * up * setting.noise(sigma, sigma_next)
    return x


def euler_cfg_pp(
    x: Tensor, sigmas: Tensor, setting: Setting, *, version: Literal["regular", "alternative"] = "regular"
) -> GuidedSteps:
    """Euler steps of CFG++ (Chung et al. 2024, Algorithm 2); the alternative is an experiment of the ecosystem."""
    if version == "regular":
        return euler_ancestral_cfg_pp(x, sigmas, setting, eta=0.0)
    return _alternative_euler(x, sigmas)


def _alternative_euler(x: Tensor, sigmas: Tensor) -> GuidedSteps:
    for sigma, sigma_next in pairwise(sigmas):
        x0, uncond = _both((yield x, sigma))
        x = x + (x - 2 * x0 + uncond) / sigma * (sigma_next - sigma)
    return x


def dpmpp_2s_ancestral_cfg_pp(
    x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 1.0, s_noise: Amount = 1.0
) -> GuidedSteps:
    """dpmpp_2s_ancestral with the guidance of CFG++ (Lu et al. 2022b; Chung et al. 2024)."""
    for sigma, sigma_next in pairwise(sigmas):
        x0, uncond = _both((yield x, sigma))
        down, up = ancestral_split(sigma, sigma_next, eta)
        if down == 0:
            x = x0
        else:
            sigma_mid = (sigma * down).sqrt()
            ratio = sigma_mid / sigma
            x_2 = ratio * (x + x0 - uncond) + (1 - ratio) * x0
            x0_2, uncond_2 = _both((yield Midway(x_2, sigma_mid)))
            ratio = down / sigma
            # The first x0 beside the second uncond: users' images depend on this mixture.
            x = ratio * (x + x0 - uncond_2) + (1 - ratio) * x0_2
        if sigma_next > 0:
            x = x + s_noise * up * setting.noise(sigma, sigma_next)
    return x


def dpmpp_2m_cfg_pp(x: Tensor, sigmas: Tensor, setting: Setting) -> GuidedSteps:
    """dpmpp_2m with the guidance of CFG++ (Lu et al. 2022b; Chung et al. 2024)."""
    uncond_prev, h_prev = None, None
    for sigma, sigma_next in pairwise(sigmas):
        x0, uncond = _both((yield x, sigma))
        ratio, h = sigma_next / sigma, (sigma / sigma_next).log()
        moved = x0 + ratio * (x - uncond)
        if uncond_prev is not None and h_prev is not None and sigma_next > 0:
            moved = moved + (1 - ratio) * (x0 - uncond_prev) * (h / (2 * h_prev))
        x, uncond_prev, h_prev = moved, uncond, h
    return x


def res_multistep_cfg_pp(
    x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 0.0, s_noise: Amount = 1.0
) -> GuidedSteps:
    """res_multistep with the guidance of CFG++ (Zhang et al. 2023; Chung et al. 2024)."""
    uncond_prev = sigma_prev = down_prev = None
    for sigma, sigma_next in pairwise(sigmas):
        x0, uncond = _both((yield x, sigma))
        down, up = ancestral_split(sigma, sigma_next, eta)
        if down == 0 or uncond_prev is None or sigma_prev is None or down_prev is None:
            x = x0 + slope(x, sigma, uncond) * down
        else:
            x = two_step(x + x0 - uncond, (uncond, uncond_prev), (sigma, sigma_prev), (down, down_prev))
        if sigma_next > 0 and eta > 0:
            x = x + s_noise * up * setting.noise(sigma, sigma_next)
        uncond_prev, sigma_prev, down_prev = uncond, sigma, down
    return x


def gradient_estimation_cfg_pp(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    ge_gamma: Amount = 2.0,
) -> GuidedSteps:
    """gradient_estimation with the guidance of CFG++ (Permenter & Yuan 2024; Chung et al. 2024)."""
    d_prev: Tensor | None = None
    for sigma, sigma_next in pairwise(sigmas):
        x0, uncond = _both((yield x, sigma))
        d = slope(x, sigma, uncond)
        if sigma_next == 0:
            x = x0
        else:
            x = x0 + d * sigma_next
            if d_prev is not None:
                x = x + (ge_gamma - 1) * (d - d_prev) * (sigma_next - sigma)
        d_prev = d
    return x
