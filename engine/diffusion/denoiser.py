"""One guided evaluation: what is wanted of the network at (x, sigma), and what is made of its predictions."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from engine.diffusion.calls import Piece, predictions
from engine.diffusion.drive import Ask, Prediction
from engine.diffusion.entries import Entry
from engine.diffusion.guidance import Guider
from engine.diffusion.model import Model, Predictor
from engine.diffusion.noise_mask import NoiseMask

NOTHING = 1e-37  # keeps the mean of no weights at zero

Turn = Generator[Sequence[Piece], Sequence[Tensor], Prediction]
"""Says once what has to be predicted, is sent the predictions, and ends with the guided one."""


@dataclass(frozen=True, eq=False)
class Denoiser:
    """A guider with its lists resolved against one latent: `denoiser(x, sigma)` is the guided prediction."""

    guider: Guider
    lists: Mapping[str, tuple[Entry, ...]]
    mask: NoiseMask | None = None
    reads_uncond: bool = False  # the sampler wants the negative prediction too
    reads_variance: bool = False  # and what the first prompt says of the variance

    def __call__(self, x: Tensor, sigma: Tensor) -> Prediction:
        (prediction,) = _ended([self.turn(x, sigma)])
        return prediction

    def turn(self, x: Tensor, sigma: Tensor) -> Turn:
        """One evaluation for x (B, C, …) at a scalar sigma."""
        mask = None if self.mask is None else self.mask.at(sigma)
        shown = x if self.mask is None or mask is None else self.mask.before(x, sigma, mask)
        rows = sigma.to(x.device, torch.float32).expand(x.shape[0])
        level = float(sigma)
        wanted = self.guider.wanted(self.reads_uncond or self.guider.model.hooks.always_uncond, level)
        active = {
            name: [entry for entry in entries if entry.is_active(level)] if name in wanted else []
            for name, entries in self.lists.items()
        }
        model = self._predictor.at(level) if isinstance(self._predictor, Model) else self._predictor
        made = iter(
            (yield [self._piece(entry, shown, rows, model) for entries in active.values() for entry in entries])
        )
        told = {name: [next(made) for _ in entries] for name, entries in active.items()}
        channels = x.shape[1]
        means = {name: _mean(active[name], [each[:, :channels] for each in told[name]], shown) for name in active}
        prediction = self.guider.combine(means, shown, rows)
        first = next((name for name in active if active[name]), None)
        if first is not None and told[first][0].shape[1] > channels:
            spreads = _mean(active[first], [each[:, channels:] for each in told[first]], shown)
            prediction = prediction._replace(variance=spreads)
        if self.mask is None or mask is None:
            return prediction
        return prediction._replace(x0=self.mask.after(prediction.x0, mask))

    @cached_property
    def _predictor(self) -> Predictor:
        model = self.guider.model
        return replace(model, tells_variance=True) if self.reads_variance and isinstance(model, Model) else model

    def _piece(self, entry: Entry, x: Tensor, rows: Tensor, model: Predictor) -> Piece:
        return Piece(model, entry.crop(x), rows, entry.tokens, entry.extras, entry.control)


def answer_together(asks: Sequence[Ask]) -> list[Prediction]:
    """Answer the asks of several running samplers, sharing network calls where their models are the same."""
    shared = [ask for ask in asks if isinstance(ask.denoise, Denoiser)]
    turns = [ask.denoise.turn(ask.x, ask.sigma) for ask in shared if isinstance(ask.denoise, Denoiser)]
    answers = iter(_ended(turns))
    return [next(answers) if isinstance(ask.denoise, Denoiser) else ask.answer() for ask in asks]


def _ended(turns: Sequence[Turn]) -> list[Prediction]:
    wanted = [next(turn) for turn in turns]
    made = iter(predictions([piece for pieces in wanted for piece in pieces]))
    return [_sent(turn, [next(made) for _ in pieces]) for turn, pieces in zip(turns, wanted, strict=True)]


def _sent(turn: Turn, made: Sequence[Tensor]) -> Prediction:
    try:
        turn.send(made)
    except StopIteration as done:
        return done.value
    raise RuntimeError("an evaluation asked twice for predictions")


def _mean(entries: Sequence[Entry], made: Sequence[Tensor], x: Tensor) -> Tensor:
    """The entries' predictions, each on its area, averaged by their weights; zero where none is."""
    total, weights = torch.zeros_like(x), torch.full_like(x, NOTHING)
    for entry, x0 in zip(entries, made, strict=True):
        entry.crop(total).add_(entry.weight * x0)
        entry.crop(weights).add_(entry.weight)
    return total / weights
