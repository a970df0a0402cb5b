"""RES: a refined second-order exponential multistep solver (Zhang et al. 2023, arXiv 2308.02157)."""

from itertools import pairwise

from torch import Tensor

from engine.diffusion.solvers.notation import slope
from engine.diffusion.solvers.options import Amount
from engine.diffusion.solvers.setting import Setting, Steps
from engine.diffusion.solvers.splits import ancestral_split


def res_multistep(x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Amount = 0.0, s_noise: Amount = 1.0) -> Steps:
    """Two-step exponential integration of the clean latent (Zhang et al. 2023, Algorithm 2); lambda = -ln sigma.

    With `eta` above 0 each step goes down further and adds noise, as ancestral samplers do.
    """
    x0_prev = sigma_prev = down_prev = None
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        down, up = ancestral_split(sigma, sigma_next, eta)
        if down == 0 or x0_prev is None or sigma_prev is None or down_prev is None:
            x = x + slope(x, sigma, x0) * (down - sigma)
        else:
            x = two_step(x, (x0, x0_prev), (sigma, sigma_prev), (down, down_prev))
        if sigma_next > 0 and eta > 0:
            x = x + s_noise * up * setting.noise(sigma, sigma_next)
        x0_prev, sigma_prev, down_prev = x0, sigma, down
    return x


def two_step(x: Tensor, x0: tuple[Tensor, Tensor], sigma: tuple[Tensor, Tensor], down: tuple[Tensor, Tensor]) -> Tensor:
    """One move to down[0] from predictions, levels and targets of this step and of the last one."""
    h = sigma[0].log() - down[0].log()
    c_2 = (down[1].log() - sigma[1].log()) / h
    phi_1 = (-h).expm1() / -h
    phi_2 = (phi_1 - 1) / -h
    b_1 = (phi_1 - phi_2 / c_2).nan_to_num(nan=0.0)
    b_2 = (phi_2 / c_2).nan_to_num(nan=0.0)
    return (-h).exp() * x + h * (b_1 * x0[0] + b_2 * x0[1])
