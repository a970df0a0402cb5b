"""Samplers in the words of their papers: DDPM with a chosen variance, and DDIM between an ODE and DDPM.

Both are written for x_t = √ᾱ x_0 + √(1 − ᾱ) ε. Whatever form a model's latents have, they are scaled to that one before
a step and back after it, so that flow models are served as well.
"""

from collections.abc import Generator
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from torch import Tensor

from engine.diffusion.drive import Prediction
from engine.diffusion.solvers.options import Range
from engine.diffusion.solvers.setting import Setting, Steps

Share = Annotated[float, Range(0, 1)]


class _Level(NamedTuple):
    """A level of noise: ᾱ, 1 − ᾱ, and the size of its latents beside those of unit variance; float64 scalars."""

    signal: Tensor
    noise: Tensor
    size: Tensor


def _level(sigma: Tensor, is_flow: bool) -> _Level:
    sigma = sigma.double()  # 1 − ᾱ of the last levels is a small difference of numbers near 1
    kept = 1 - sigma if is_flow else sigma.new_ones(())
    variance = kept**2 + sigma**2
    return _Level(kept**2 / variance, sigma**2 / variance, variance.sqrt())


def ddpm_posterior(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    variance: Literal["beta", "beta_tilde", "learned"] = "beta_tilde",
    v: Share = 0.5,
) -> Generator[tuple[Tensor, Tensor], Tensor | Prediction, Tensor]:
    """The ancestral sampler of Ho et al. (2020), Algorithm 2: the mean of q(x_{t−1} | x_t, x_0), and a variance.

    From level t to the next one visited, s: α = ᾱ_t / ᾱ_s, β = 1 − α and β̃ = (1 − ᾱ_s) / (1 − ᾱ_t) β.
    "learned" is exp(v log β + (1 − v) log β̃) (Nichol & Dhariwal 2021, eq. 15), with the v that the network gives for
    each element, or the one `v` for all where it gives none.
    """
    for sigma, sigma_next in pairwise(sigmas):
        told: Tensor | Prediction = yield x, sigma
        x0, learned = (told.x0, told.variance) if isinstance(told, Prediction) else (told, None)
        if sigma_next == 0:
            x = x0
            continue
        now, then = _level(sigma, setting.levels.is_flow), _level(sigma_next, setting.levels.is_flow)
        alpha = now.signal / then.signal
        # 1 − ᾱ_t / ᾱ_s, without the cancellation of near numbers
        beta = ((now.noise * then.signal - then.noise * now.signal) / then.signal).clamp(min=0)
        beta_tilde = then.noise / now.noise * beta
        share = {"beta": 1.0, "beta_tilde": 0.0, "learned": v if learned is None else learned.double()}[variance]
        deviation = (beta**share * beta_tilde ** (1 - share)).sqrt().to(x.dtype)
        mean = then.signal.sqrt() * beta / now.noise * x0 + alpha.sqrt() * then.noise / now.noise * (x / now.size)
        x = then.size * (mean + deviation * setting.noise(sigma, sigma_next))
    return x


def ddim_eta(x: Tensor, sigmas: Tensor, setting: Setting, *, eta: Share = 0.0) -> Steps:
    """Denoising diffusion implicit models (Song et al. 2021, eq. 12 and 16), x_s = √ᾱ_s x_0 + √(1 − ᾱ_s − σ²) ε + σ z.

    σ² is eta² β̃: at `eta` 0 the way is a straight one that draws no noise, at 1 it is DDPM with the variance β̃.
    """
    for sigma, sigma_next in pairwise(sigmas):
        x0 = yield x, sigma
        if sigma_next == 0:
            x = x0
            continue
        now, then = _level(sigma, setting.levels.is_flow), _level(sigma_next, setting.levels.is_flow)
        noise = (x / now.size - now.signal.sqrt() * x0) / now.noise.sqrt()
        # 1 − ᾱ_t / ᾱ_s over 1 − ᾱ_t: how much of the noise at s would be fresh in DDPM, as a variance
        fresh = (1 - then.noise * now.signal / (then.signal * now.noise)).clamp(0, 1) * eta**2
        mean = then.signal.sqrt() * x0 + (then.noise * (1 - fresh)).sqrt() * noise
        x = then.size * mean
        if eta > 0:
            x = x + then.size * (then.noise * fresh).sqrt() * setting.noise(sigma, sigma_next)
    return x
