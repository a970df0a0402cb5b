"""Steps whose answer is taken from an earlier one while little changes: EasyCache (Zhou et al. 2025, arXiv 2507.02860).

What is kept follows from the run's asks and answers alone. A run that is resumed is told them again, and goes on with
the same bits.
"""

import logging
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.diffusion.drive import Prediction
from engine.diffusion.model import Model, Reuse

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Past:
    """Where the run stood at its last ask; all tensors (B, C, …)."""

    seen: Tensor  # x as the network was shown it
    output: Tensor  # what it made of it, after guidance
    offset: Tensor  # its output less what it saw, the last time that it was called
    uncond_offset: Tensor | None
    rate: float | None  # by how much its output had changed then for each change of what it saw
    spent: float = 0.0  # changes passed over since then, as shares of the output


class StepCache:
    """What one run has been answered, and what its next answer would be without a call of the network."""

    def __init__(self, reuse: Reuse, model: Model) -> None:
        self._reuse, self._model = reuse, model
        self._past: _Past | None = None
        self.asked = self.reused = 0

    def guess(self, x: Tensor, sigma: Tensor) -> Prediction | None:
        """The answer for x (B, C, …) at a scalar sigma, or None where the network has to be called (section 3.3)."""
        past, spent = self._past, self._spent(x, sigma)
        if past is None or spent is None:
            return None
        seen = self._seen(x, sigma)
        uncond = past.uncond_offset
        return Prediction(
            self._x0(x, sigma, seen + past.offset),
            None if uncond is None else self._x0(x, sigma, seen + uncond),
        )

    def learn(self, x: Tensor, sigma: Tensor, answer: Prediction) -> None:
        """Take in how the run was answered, whoever answered it."""
        if float(sigma) <= 0:
            return
        past, spent = self._past, self._spent(x, sigma)
        seen, output = self._seen(x, sigma), self._output(x, sigma, answer.x0)
        self.asked += 1
        if past is not None and spent is not None:
            self.reused += 1
            self._past = replace(past, seen=seen, output=output, spent=spent)
            return
        rate: float | None = None
        if past is not None and past.seen.shape == seen.shape and (moved := _size(seen - past.seen)) > 0:
            rate = _size(output - past.output) / moved
        uncond = None if answer.uncond is None else self._output(x, sigma, answer.uncond) - seen
        self._past = _Past(seen, output, output - seen, uncond, rate)

    def tell(self) -> None:
        """Say how many steps were spared, where that was asked for."""
        if self._reuse.verbose:
            log.info("%s: %d of %d answers were taken from earlier ones", self._reuse.name, self.reused, self.asked)

    def _spent(self, x: Tensor, sigma: Tensor) -> float | None:
        """The changes passed over if this ask is, or None where it may not be (equations 6 and 7)."""
        past, levels, level = self._past, self._model.levels, float(sigma)
        is_within = levels.at_percent(self._reuse.end) <= level <= levels.at_percent(self._reuse.start)
        if past is None or past.rate is None or past.seen.shape != x.shape or not is_within or level <= 0:
            return None
        size = _size(past.output)
        if size == 0:
            return None
        spent = past.spent + past.rate * _size(self._seen(x, sigma) - past.seen) / size
        return spent if spent < self._reuse.threshold else None

    def _seen(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self._model.parameterisation.scale_input(x, sigma)

    def _x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        return self._model.parameterisation.x0(x, sigma, output)

    def _output(self, x: Tensor, sigma: Tensor, x0: Tensor) -> Tensor:
        """The output that stands for x0: every parameterisation is a line in it."""
        at_zero = self._x0(x, sigma, torch.zeros_like(x))
        return (x0 - at_zero) / (self._x0(x, sigma, torch.ones_like(x)) - at_zero)


def _size(x: Tensor) -> float:
    return x.abs().mean().item()
