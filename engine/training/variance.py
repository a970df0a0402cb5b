"""The bound that teaches a network the variance of its steps (Nichol & Dhariwal 2021, section 3.1)."""

import math

import torch
from torch import Tensor

from engine.diffusion.parameterisation import beside, variance_share


def variance_bound(x0: Tensor, predicted: Tensor, v: Tensor, sigma: Tensor, below: Tensor) -> Tensor:
    """L_vlb of one step, in bits for each number of a latent: (B,), the mean over the numbers.

    The divergence of N(μ̃(x_t, x̂_0), β̃^(1-v) β^v) from the true posterior N(μ̃(x_t, x_0), β̃). `x0` and `predicted` are
    (B, C, h, w), `v` the network's further channels (B, C, h, w), where -1 stands for β̃ and 1 for β. `sigma` (B,) is
    the level of x_t = x0 + sigma * noise and `below` (B,) that of x_{t-1}; where it is 0 no noise is drawn, and the
    term is 0. Gradients flow into `v` alone: the mean is held, as the paper says.
    """
    now, then = (beside(each.double(), x0) for each in (sigma, below))
    # x_t / √ᾱ is what samplers walk on: 1 - ᾱ = σ² / (1 + σ²), and β = 1 - (1 + s²) / (1 + σ²).
    beta = (now**2 - then**2) / (1 + now**2)
    true = then**2 / (1 + then**2) / (now**2 / (1 + now**2)) * beta
    drawn = then > 0
    true = torch.where(drawn, true, beta)
    wider = variance_share(v).double() * (beta / true).log()
    step = (1 + then**2) ** -0.5 * beta / (now**2 / (1 + now**2))
    apart = (step * (x0 - predicted.detach())) ** 2 / true
    divergence = 0.5 * (wider + (1 + apart) * (-wider).exp() - 1)
    return torch.where(drawn, divergence, 0).flatten(1).mean(1).float() / math.log(2)
