"""Who drives a sampler: what it asks for, and answering it alone or together with others."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from torch import Tensor


class Prediction(NamedTuple):
    """The answer to an ask: denoised latents (B, C, …), and those of the negative prompt alone where evaluated.

    `variance` (B, C, …) is the v of Nichol & Dhariwal (2021), eq. 15, where the solver reads it and the model has it.
    """

    x0: Tensor
    uncond: Tensor | None = None
    variance: Tensor | None = None


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
    form: Any = None  # what kind of latents these are, for previews too

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


class Job(Generic[T]):
    """A run of one sampler beside others: where it stands, and its result once it has ended."""

    ask: Ask
    result: T

    def __init__(self, asking: Asking[T]) -> None:
        self._asking = asking

    def start(self) -> bool:
        """Run to the first ask, or to the end: whether it ended."""
        return self._moved(lambda: next(self._asking))

    def advance(self, prediction: Prediction) -> bool:
        """Answer the ask, and run to the next one or to the end: whether it ended."""
        return self._moved(lambda: self._asking.send(prediction))

    def close(self) -> None:
        """Stop it where it is."""
        self._asking.close()

    def _moved(self, move: Callable[[], Ask]) -> bool:
        try:
            self.ask = move()
        except StopIteration as done:
            self.result = done.value
            return True
        return False


AnswerTogether = Callable[[Sequence[Ask]], Sequence[Prediction]]
"""Answers the asks of several jobs at once, in their order."""


def sample_together(
    jobs: Sequence[Job[T]], answer: AnswerTogether, admit: Callable[[], Sequence[Job[T]]] = tuple
) -> Iterator[tuple[Job[T], T]]:
    """Advance all jobs by one evaluation per turn; yield each, with its result, as it ends.

    Jobs may differ in sampler, schedule, prompt and size; `answer` sees to what they can share. `admit` is asked before
    every turn for jobs that join. An error in one ends all: those that are left are closed, as they are when the caller
    stops early.
    """
    going: list[Job[T]] = []
    joining = [*jobs, *admit()]
    try:
        while joining or going:
            going += joining
            ended = [job for job in joining if job.start()]
            going = [job for job in going if job not in ended]
            if going:
                answers = answer([job.ask for job in going])
                done = [job for job, made in zip(going, answers, strict=True) if job.advance(made)]
                going = [job for job in going if job not in done]
                ended += done
            for job in ended:
                yield job, job.result
            joining = list(admit())
    finally:
        for job in going:
            job.close()
