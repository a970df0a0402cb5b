"""Four ways to say the same of a noisy x_t: its clean image, its noise, its velocity, its score; each from any other.

With a = √ᾱ_t and b = √(1 − ᾱ_t), x_t = a x_0 + b ε. All tensors have one shape (B, …).
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

Quantity = Literal["x0", "epsilon", "v", "score"]
"""x_0; ε; v = a ε − b x_0 (Salimans & Ho 2022); score ∇ log q(x_t | x_0) = −ε / b (Song et al. 2021)."""


def velocity(x0: Tensor, noise: Tensor, alpha_bar: float) -> Tensor:
    """v = √ᾱ ε − √(1 − ᾱ) x_0 (Salimans & Ho 2022, section 4)."""
    return alpha_bar**0.5 * noise - (1 - alpha_bar) ** 0.5 * x0


def convert(x: Tensor, value: Tensor, given: Quantity, wanted: Quantity, alpha_bar: float) -> Tensor:
    """What is `wanted` of `x` (x_t), from what is `given` of it. Raises ValueError where the one leaves the other open.

    Without noise (ᾱ = 1) only v says what ε is and nothing has a score; without signal (ᾱ = 0) only v says what x_0 is.
    """
    if not 0 <= alpha_bar <= 1:
        raise ValueError(f"alpha-bar is {alpha_bar}; it should be from 0 (noise) to 1 (image)")
    if x.shape != value.shape:
        raise ValueError(f"x_t has shape {tuple(x.shape)} and the {given} {tuple(value.shape)}; they should be alike")
    if given == wanted:
        return value
    a, b = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
    if wanted == "x0":
        return _clean(x, value, given, a, b)
    if wanted == "v" and given == "x0" and b > 0:
        return (a * x - value) / b
    noise = _noise(x, value, given, a, b)
    if wanted == "epsilon":
        return noise
    if wanted == "score":
        return -noise / _above_zero(b, "there is no noise, so no score")
    # v = a ε − b x_0 with x_0 = (x − b ε) / a
    return (noise - b * x) / _above_zero(a, "there is no signal, so ε alone does not say what v is")


def _clean(x: Tensor, value: Tensor, given: Quantity, a: float, b: float) -> Tensor:
    formulas: dict[Quantity, Callable[[], Tensor]] = {
        "epsilon": lambda: (x - b * value) / _above_zero(a, "there is no signal, so ε does not say what x0 is"),
        "v": lambda: a * x - b * value,
        "score": lambda: (x + b * b * value) / _above_zero(a, "there is no signal, so the score does not say x0"),
    }
    return _formula(formulas, given)


def _noise(x: Tensor, value: Tensor, given: Quantity, a: float, b: float) -> Tensor:
    formulas: dict[Quantity, Callable[[], Tensor]] = {
        "x0": lambda: (x - a * value) / _above_zero(b, "there is no noise, so x0 does not say what ε is"),
        "epsilon": lambda: value,
        "v": lambda: a * value + b * x,
        "score": lambda: -b * value,
    }
    return _formula(formulas, given)


def _formula(formulas: dict[Quantity, Callable[[], Tensor]], given: Quantity) -> Tensor:
    if given not in formulas:
        raise ValueError(f"{given!r} is none of x0, epsilon, v, score")
    return formulas[given]()


def _above_zero(factor: float, otherwise: str) -> float:
    if factor == 0:
        raise ValueError(f"{otherwise} at this t")
    return factor
