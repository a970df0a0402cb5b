"""The letters that solvers share: the slope d, the signal's share alpha, and half the log-SNR, lambda.

All take scalar tensors for levels and compute in their dtype.
"""

from torch import Tensor

from engine.diffusion.levels import Levels

FIRST_PERCENT = 0.0001  # where flow models start for solvers in lambda, which has no value at pure noise


def slope(x: Tensor, sigma: Tensor, x0: Tensor) -> Tensor:
    """d = dx/dsigma of the probability-flow ODE (Karras et al. 2022, eq. 3)."""
    return (x - x0) / sigma


def alpha(sigma: Tensor, is_flow: bool) -> Tensor:
    """The factor of x0 in the noisy latent."""
    return 1 - sigma if is_flow else sigma.new_ones(())


def lambda_(sigma: Tensor, is_flow: bool) -> Tensor:
    """ln(alpha / sigma), half the logarithm of the signal-to-noise ratio."""
    return sigma.logit().neg() if is_flow else sigma.log().neg()


def sigma_at(half_log_snr: Tensor, is_flow: bool) -> Tensor:
    """The level of this lambda."""
    return half_log_snr.neg().sigmoid() if is_flow else half_log_snr.neg().exp()


def with_finite_lambda(sigmas: Tensor, levels: Levels) -> Tensor:
    """The schedule, with a first level of pure noise lowered a little for flow models."""
    if not levels.is_flow or len(sigmas) < 2 or sigmas[0] < 1:
        return sigmas
    lowered = sigmas.clone()
    lowered[0] = levels.at_percent(FIRST_PERCENT)
    return lowered
