"""SA-Solver: a stochastic Adams predictor and corrector whose noise varies over the run (Xue et al. 2023)."""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.solvers.notation import alpha, lambda_, with_finite_lambda
from engine.diffusion.solvers.options import Amount, Range
from engine.diffusion.solvers.setting import Midway, Setting, Steps

Percent = Annotated[float, Range(0, 1)]


def sa_solver(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    tau: tuple[Percent, Percent, Amount] = (0.2, 0.8, 1.0),
    s_noise: Amount = 1.0,
    predictor_order: Annotated[int, Range(1, 6)] = 3,
    corrector_order: Annotated[int, Range(0, 6)] = 4,
    use_pece: bool = False,
    simple_order_2: bool = False,
) -> Steps:
    """SA-Solver (Xue et al. 2023, Algorithm 1).

    `tau` says from which to which part of the way noise is added, and how much (1 is the ordinary reverse SDE).
    With `use_pece` the corrected latent is evaluated again.
    """
    levels = setting.levels
    highest, lowest, strength = levels.at_percent(tau[0]), levels.at_percent(tau[1]), tau[2]
    sigmas = with_finite_lambda(sigmas, levels)
    lambdas = lambda_(sigmas, levels.is_flow).double().tolist()
    count, ends_clean = len(sigmas) - 1, bool(sigmas[-1] == 0)
    guess, fresh = x, torch.zeros_like(x)  # the predicted state, and the noise of the step that led to it
    tau_now, known = 0.0, list[Tensor]()
    for i in range(count):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        known.append((yield guess, sigma))
        is_last = bool(sigma_next == 0)
        p, c = min(predictor_order, i + 1), min(corrector_order, i + 1)
        if ends_clean:
            p, c = min(p, count - 1 - i), min(c, count - i)
        if i == 0 or (is_last and not use_pece):
            c = 0

        if c == 0:
            x = guess
        else:
            move = lambdas[i] - lambdas[i - 1]
            kept = sigma / sigmas[i - 1] * math.exp(-(tau_now**2) * move)
            nodes = [each - lambdas[i - 1] for each in lambdas[i + 1 - c : i + 1]]
            weights = _weights(nodes, move, tau_now, simple_order_2, is_corrector=True)
            x = kept * x + _combined(known[-c:], weights, alpha(sigma, levels.is_flow))
            if tau_now > 0 and s_noise > 0:
                x = x + fresh
            if use_pece:
                known[-1] = yield Midway(x, sigma)

        if is_last:
            return known[-1]
        tau_now = strength if lowest <= sigma_next.item() <= highest else 0.0
        move = lambdas[i + 1] - lambdas[i]
        kept = sigma_next / sigma * math.exp(-(tau_now**2) * move)
        nodes = [each - lambdas[i] for each in lambdas[i + 1 - p : i + 1]]
        weights = _weights(nodes, move, tau_now, simple_order_2, is_corrector=False)
        guess = kept * x + _combined(known[-p:], weights, alpha(sigma_next, levels.is_flow))
        if tau_now > 0 and s_noise > 0:
            spread = math.sqrt(-math.expm1(-2 * tau_now**2 * move))
            fresh = sigma_next * s_noise * spread * setting.noise(sigma, sigma_next)
            guess = guess + fresh
        known = known[-max(predictor_order, corrector_order) :]
    return x


def _combined(known: Sequence[Tensor], weights: Sequence[float], factor: Tensor) -> Tensor:
    terms = [factor * weight * x0 for x0, weight in zip(known, weights, strict=True)]
    return sum(terms[1:], start=terms[0])


def _weights(nodes: Sequence[float], h: float, tau: float, simple_order_2: bool, is_corrector: bool) -> list[float]:
    """The weights of the predictions at `nodes` (lambda from the start of a move of length h, oldest first).

    They integrate polynomials exactly against the exponential kernel of the SDE (Xue et al. 2023, eq. 15 and 19).
    """
    m = 1 + tau**2
    whole = -math.expm1(-m * h)
    if simple_order_2 and len(nodes) == 2:
        if is_corrector:
            return [whole - m * h / 2, m * h / 2]
        old = m * h**2 / 2 / nodes[0]
        return [old, whole - old]
    moments = [whole]
    for power in range(1, len(nodes)):
        moments.append(h**power - power / m * moments[-1])
    vandermonde = np.vander(np.array(nodes), len(nodes), increasing=True).T
    return np.linalg.solve(vandermonde, np.array(moments)).tolist()
