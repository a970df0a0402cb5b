"""DPM-Solver in its two original forms: a fixed number of evaluations, and an adaptive step size (Lu et al. 2022a).

Time is t = -ln sigma for every model, and epsilon the noise seen in x. The last level is never stepped below, so a
result carries the noise of the last level above zero.
"""

import math
from collections.abc import Generator
from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor

from engine.diffusion.solvers.notation import slope
from engine.diffusion.solvers.options import Amount, Positive, Range
from engine.diffusion.solvers.setting import Midway, Setting, Steps
from engine.diffusion.solvers.splits import ancestral_split

Midstep = Generator[tuple[Tensor, Tensor], Tensor, tuple[Tensor, Tensor]]
MOST_REFUSALS = 200  # tries at one step, each with a step size that the controller corrected


def _sigma(t: Tensor) -> Tensor:
    return t.neg().exp()


def _time_range(sigmas: Tensor) -> tuple[Tensor, Tensor]:
    last = sigmas[-1] if sigmas[-1] > 0 else sigmas[-2]
    return -sigmas[0].log(), -last.log()


def _first_order(x: Tensor, t: Tensor, t_next: Tensor, eps: Tensor) -> Tensor:
    return x - _sigma(t_next) * (t_next - t).expm1() * eps


def _second_order(x: Tensor, t: Tensor, t_next: Tensor, eps: Tensor, r_1: float = 1 / 2) -> Midstep:
    """DPM-Solver-2, Algorithm 4; gives the epsilon of its intermediate time too."""
    h = t_next - t
    s = t + r_1 * h
    u = x - _sigma(s) * (r_1 * h).expm1() * eps
    eps_1 = slope(u, _sigma(s), (yield Midway(u, _sigma(s))))
    change = _sigma(t_next) / (2 * r_1) * h.expm1() * (eps_1 - eps)
    return _first_order(x, t, t_next, eps) - change, eps_1


def _third_order(x: Tensor, t: Tensor, t_next: Tensor, eps: Tensor, eps_1: Tensor) -> Midstep:
    """DPM-Solver-3, Algorithm 5, given the epsilon at a third of the way."""
    h, r_1, r_2 = t_next - t, 1 / 3, 2 / 3
    s = t + r_2 * h
    change = _sigma(s) * (r_2 / r_1) * ((r_2 * h).expm1() / (r_2 * h) - 1) * (eps_1 - eps)
    u = x - _sigma(s) * (r_2 * h).expm1() * eps - change
    eps_2 = slope(u, _sigma(s), (yield Midway(u, _sigma(s))))
    change = _sigma(t_next) / r_2 * (h.expm1() / h - 1) * (eps_2 - eps)
    return _first_order(x, t, t_next, eps) - change, eps_2


def dpm_fast(x: Tensor, sigmas: Tensor, setting: Setting) -> Steps:
    """DPM-Solver-fast (Lu et al. 2022a, section 3.3): one evaluation for each step of the schedule."""
    budget = len(sigmas) - 1
    count = budget // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if budget % 3 == 0 else [3] * (count - 1) + [budget % 3]
    first, last = _time_range(sigmas)
    times = torch.linspace(first.item(), last.item(), count + 1, dtype=x.dtype, device=sigmas.device)
    for order, (t, t_next) in zip(orders, pairwise(times), strict=True):
        eps = slope(x, _sigma(t), (yield x, _sigma(t)))
        if order == 1:
            x = _first_order(x, t, t_next, eps)
        elif order == 2:
            x, _ = yield from _second_order(x, t, t_next, eps)
        else:
            _, eps_1 = yield from _second_order(x, t, t_next, eps, 1 / 3)
            x, _ = yield from _third_order(x, t, t_next, eps, eps_1)
    return x


class _Controller:
    """The step size from the last errors: a PID controller (Söderlind 2003)."""

    def __init__(self, h: float, p: float, i: float, d: float, order: float, safety: float) -> None:
        self.h = h
        self._powers = (p + i + d) / order, -(p + 2 * d) / order, d / order
        self._safety = safety
        self._inverse_errors: list[float] = []

    def accepts(self, error: float) -> bool:
        """Take note of a step's error, correct the step size, and say whether the step is good enough."""
        inverse = 1 / (error + 1e-8)
        self._inverse_errors = [inverse, *(self._inverse_errors[1:] or [inverse, inverse])]
        factor = math.prod(each**power for each, power in zip(self._inverse_errors, self._powers, strict=True))
        factor = 1 + math.atan(factor - 1)
        is_accepted = factor >= self._safety
        if is_accepted:
            self._inverse_errors = [inverse, inverse, self._inverse_errors[1]]
        self.h *= factor
        return is_accepted


def dpm_adaptive(
    x: Tensor,
    sigmas: Tensor,
    setting: Setting,
    *,
    order: Annotated[int, Range(2, 3)] = 3,
    rtol: Amount = 0.05,
    atol: Amount = 0.0078,
    h_init: Positive = 0.05,
    pcoeff: Amount = 0.0,
    icoeff: Amount = 1.0,
    dcoeff: Amount = 0.0,
    accept_safety: Amount = 0.81,
    eta: Amount = 0.0,
    s_noise: Amount = 1.0,
) -> Steps:
    """DPM-Solver with adaptive step size (Lu et al. 2022a, Algorithm 3); only the schedule's ends matter.

    Raises ArithmeticError where no step size meets the tolerances, and for predictions that are not finite.
    """
    if rtol == atol == 0:
        raise ValueError("sampler dpm_adaptive: rtol and atol are both 0; one should be above 0")
    s, end = _time_range(sigmas)
    control = _Controller(h_init, pcoeff, icoeff, dcoeff, 1.5 if eta else order, accept_safety)
    x_prev, refusals = x, 0
    while s < end - 1e-5:
        t = torch.minimum(end, s + control.h)
        t_down, up = _down_and_up(s, t, end, eta)
        eps = slope(x, _sigma(s), (yield x, _sigma(s)))
        if order == 2:
            low = _first_order(x, s, t_down, eps)
            high, _ = yield from _second_order(x, s, t_down, eps)
        else:
            low, eps_1 = yield from _second_order(x, s, t_down, eps, 1 / 3)
            high, _ = yield from _third_order(x, s, t_down, eps, eps_1)
        allowed = torch.maximum(low.abs(), x_prev.abs()).mul(rtol).clamp(min=atol)
        error = ((low - high) / allowed).square().mean().sqrt().item()
        if control.accepts(error):
            x_prev = low
            x = high if eta == 0 else high + s_noise * up * setting.noise(_sigma(s), _sigma(t))
            s, refusals = t, 0
            continue
        refusals += 1
        if not math.isfinite(error):
            raise ArithmeticError(
                f"sampler dpm_adaptive was sent predictions that are not finite at sigma {_sigma(s).item():.6g}"
            )
        if refusals == MOST_REFUSALS:
            raise ArithmeticError(
                f"sampler dpm_adaptive found no step size at sigma {_sigma(s).item():.6g}: the error was {error:.3g} "
                f"with step {control.h:.3g}; it should work with a lower accept_safety or larger rtol and atol"
            )
    return x


def _down_and_up(s: Tensor, t: Tensor, end: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """The time to step to, and the deviation of the noise that leads back up to t."""
    if eta == 0:
        return t, torch.zeros_like(t)
    down, _ = ancestral_split(_sigma(s), _sigma(t), eta)
    t_down = torch.minimum(end, -down.log())
    return t_down, (_sigma(t) ** 2 - _sigma(t_down) ** 2).sqrt()
