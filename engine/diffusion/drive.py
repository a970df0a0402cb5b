"""Who drives a sampler: what it asks for, and answering it alone or together with others."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from torch import Tensor


class Prediction(NamedTuple):
    """The answer to an ask: denoised latents (B, C, …), and those of the negative prompt alone where it was evaluated."""

    x0: Tensor
    uncond: Tensor | None = None


Denoise = Callable[[Tensor, Tensor], Prediction]
"""`denoise(x, sigma) -> Prediction`: x (B, C, …) float32, sigma a scalar tensor."""


@dataclass(frozen=True)
class Ask:
    """A noisy latent that a running sampler wants denoised, and how far the sampler has come."""

    denoise: Denoise
    x: Tensor
    sigma: Tensor  # scalar
    step: int  # how many steps of the schedule are done
    steps: int
    latest: Tensor | None = None  # the last x0, for previews

    def answer(self) -> Prediction:
        return self.denoise(self.x, self.sigma)


T = TypeVar("T")
Asking = Generator[Ask, Prediction, T]
"""A generator that asks for predictions and returns a T: a node that samples, or a part of one."""


def alone(asking: Asking[T]) -> T:
    """Drive one job to its end, answering each ask as it comes."""
    try:
        ask = next(asking)
    except StopIteration as done:
        return done.value
    while True:
        prediction = ask.answer()  # outside the try: a StopIteration of its own is an error
        try:
            ask = asking.send(prediction)
        except StopIteration as done:
            return done.value
