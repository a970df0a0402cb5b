"""How a stochastic step splits: down to a lower level than asked for, and back up with fresh noise."""

import math

import torch
from torch import Tensor

from engine.diffusion.noise import Source


def ancestral_split(sigma: Tensor, sigma_next: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """(down, up) with down² + up² = sigma_next²: the level to step to, and the deviation of the noise to add.

    At `eta` 1 the ancestral step of Ho et al. (2020), at 0 none (Song et al. 2021, eq. 16).
    """
    if eta == 0:
        return sigma_next, torch.zeros_like(sigma_next)
    up = eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2).sqrt()
    up = torch.where(up.isnan() | sigma.isinf(), sigma_next, torch.minimum(up, sigma_next))
    return (sigma_next**2 - up**2).sqrt(), up


def flow_split(sigma: Tensor, sigma_next: Tensor, eta: float) -> tuple[Tensor, Tensor, Tensor]:
    """(down, scale, up) for rectified flow: step to `down`, scale by `scale`, add noise of deviation `up`."""
    down = sigma_next * (1 + (sigma_next / sigma - 1) * eta)
    scale = (1 - sigma_next) / (1 - down)
    return down, scale, (sigma_next**2 - down**2 * scale**2).sqrt()


class Churn:
    """Noise added before each step, so that errors made so far are forgotten (Karras et al. 2022, Algorithm 2)."""

    def __init__(self, amount: float, tmin: float, tmax: float, s_noise: float, steps: int, noise: Source) -> None:
        self._gamma = min(amount / max(steps, 1), math.sqrt(2) - 1)
        self._tmin, self._tmax = tmin, tmax
        self._s_noise, self._noise = s_noise, noise

    def __call__(self, x: Tensor, sigma: Tensor, always_draws: bool = False) -> tuple[Tensor, Tensor]:
        """(x, sigma) after churn. With `always_draws` the stream moves on even where nothing is added."""
        gamma = self._gamma if self._tmin <= sigma <= self._tmax else 0.0
        if gamma == 0 and not always_draws:
            return x, sigma
        raised = sigma * (gamma + 1)
        noise = self._noise(sigma, raised)
        if gamma == 0:
            return x, sigma
        return x + self._s_noise * noise * (raised**2 - sigma**2).sqrt(), raised
