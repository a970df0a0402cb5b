"""One guided evaluation: what is wanted of the network at (x, sigma), and what is made of its predictions."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.calls import Piece
from engine.diffusion.conditioning import Conditioning
from engine.diffusion.deep_cache import DeepSteps, Kept, KeptBy
from engine.diffusion.drive import Ask, Prediction
from engine.diffusion.entries import Entry
from engine.diffusion.guidance import Guider
from engine.diffusion.model import SHOWN, Aside, AttentionHook, Model, Predictor, Watcher
from engine.diffusion.noise_mask import NoiseMask
from engine.diffusion.step_cache import StepCache
from engine.diffusion.tiled_calls import tiled_predictions

NOTHING = 1e-37  # keeps the mean of no weights at zero

Turn = Generator[Sequence[Piece], Sequence[Tensor], Prediction]
"""Says what has to be predicted, is sent the predictions, perhaps says more, and ends with the guided one."""
_Told = dict[str, list[Tensor]]


@dataclass(frozen=True, eq=False)
class Denoiser:
    """A guider with its lists resolved against one latent: `denoiser(x, sigma)` is the guided prediction."""

    guider: Guider
    lists: Mapping[str, tuple[Entry, ...]]
    mask: NoiseMask | None = None
    reads_uncond: bool = False  # the sampler wants the negative prediction too
    reads_variance: bool = False  # and what the first prompt says of the variance
    cache: StepCache | None = None
    deep: DeepSteps | None = None

    def __call__(self, x: Tensor, sigma: Tensor) -> Prediction:
        (prediction,) = _ended([self.turn(x, sigma)])
        return prediction

    def turn(self, x: Tensor, sigma: Tensor) -> Turn:
        """One evaluation for x (B, C, …) at a scalar sigma."""
        mask = None if self.mask is None else self.mask.at(sigma)
        if self.cache is not None and (known := self.cache.guess(x, sigma)) is not None:
            yield ()
            return known if self.mask is None or mask is None else known._replace(x0=self.mask.after(known.x0, mask))
        shown, rows = self._shown(x, sigma), _rows(x, sigma)
        queries, watching = self._queries(float(sigma), shown)
        if self.deep is not None:
            queries = yield from self._deepened(self.deep, queries, sigma)
        told = yield from _answered(queries, rows)
        channels = x.shape[1]
        made = {
            name: _mean(query.entries, [each[:, :channels] for each in told[name]], shown)
            for name, query in queries.items()
        }
        if watching:
            later = {name: query.of(rows, made) for name, query in watching.items()}
            again = yield from _answered(later, rows)
            for name, query in later.items():
                made[name] = _mean(query.entries, [each[:, :channels] for each in again[name]], query.x)
            made |= {SHOWN.format(name): query.x for name, query in later.items()}
        prediction = self.guider.combine(made, shown, rows)
        first = next((name for name in self.lists if name in told and told[name]), None)
        if first is not None and told[first][0].shape[1] > channels:
            spreads = _mean(queries[first].entries, [each[:, channels:] for each in told[first]], shown)
            prediction = prediction._replace(variance=spreads)
        if self.mask is None or mask is None:
            return prediction
        return prediction._replace(x0=self.mask.after(prediction.x0, mask))

    def learn(self, x: Tensor, sigma: Tensor, answer: Prediction) -> None:
        """Take in how the run was answered, whoever answered it."""
        if self.deep is not None and (self.cache is None or self.cache.guess(x, sigma) is None):
            self.deep.learn(x, sigma, _state(self._queries(float(sigma), x)[0], float(sigma)))
        if self.cache is not None:
            self.cache.learn(x, sigma, answer)

    def _shown(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The x that the network sees: where a mask keeps the picture, the picture noised."""
        mask = None if self.mask is None else self.mask.at(sigma)
        return x if self.mask is None or mask is None else self.mask.before(x, sigma, mask)

    def _deepened(
        self, deep: DeepSteps, queries: Mapping[str, "_Query"], sigma: Tensor
    ) -> Generator[Sequence[Piece], Sequence[Tensor], dict[str, "_Query"]]:
        """The queries of a call that keeps what the deep blocks say, or reuses what they said in the last whole one."""
        if deep.is_whole(sigma, _state(queries, float(sigma))):
            deep.keep(kept := _empty(queries))
            return {name: replace(query, keeps=kept[name]) for name, query in queries.items()}
        if deep.kept is None:  # this run was resumed
            x, level = deep.whole
            again, _ = self._queries(float(level), self._shown(x, level))
            deep.keep(kept := _empty(again), again=True)
            yield from _answered(
                {name: replace(query, keeps=kept[name]) for name, query in again.items()}, _rows(x, level)
            )
        known = deep.kept or {}
        return {name: replace(query, reuses=known[name]) for name, query in queries.items()}

    def _queries(self, level: float, x: Tensor) -> tuple[dict[str, "_Query"], dict[str, "_Watching"]]:
        """What is asked at first, by name, and what can be asked only when that is answered."""
        asides = self.guider.model.hooks.asides
        wanted = self.guider.wanted(self.reads_uncond or self.guider.model.hooks.always_uncond, level)
        model = self._predictor.at(level) if isinstance(self._predictor, Model) else self._predictor
        active = {
            name: [each for each in entries if each.is_active(level)] if name in wanted else []
            for name, entries in self.lists.items()
        }
        queries = {name: _Query(entries, model, x) for name, entries in active.items()}
        watching: dict[str, _Watching] = {}
        for aside in asides:
            source = self._source(aside)
            entries = [each for each in self.lists[source] if each.is_active(level)]
            if aside.watch is None:
                queries[aside.name] = _Query(entries, _hooked(model, aside.attention), x)
                continue
            if model.hooks.tiling is not None and len(model.hooks.tiling.windows(*x.shape[-2:], level=level)) > 1:
                msg = f"{aside.name} has to see the whole picture, and TiledDiffusion shows it in tiles"
                raise ValueError(f"{msg}: take one of the two nodes out")
            if self.deep is not None:
                msg = f"{aside.name} has to see the deep blocks at every step, and DeepCache spares them"
                raise ValueError(f"{msg}: take one of the two nodes out")
            watcher = aside.watch()
            watched = queries[source]
            watching_model = watched.model.watched(watcher) if isinstance(watched.model, Model) else watched.model
            queries[source] = _Query(entries, watching_model, x)
            watching[aside.name] = _Watching(watcher, source, _Query(entries, _hooked(model, aside.attention), x))
        return queries, watching

    def _source(self, aside: Aside) -> str:
        """The list that an aside asks. Raises ValueError where the guider has no negative one."""
        if aside.of == "positive":
            return next(iter(self.guider.lists))
        if aside.of == "negative" and "negative" not in self.guider.lists:
            raise ValueError(f"{aside.name} needs a negative prompt, and this guider has none: take CFGGuider")
        return "negative" if aside.of == "negative" else aside.name

    @cached_property
    def _predictor(self) -> Predictor:
        model = self.guider.model
        return replace(model, tells_variance=True) if self.reads_variance and isinstance(model, Model) else model


@dataclass(frozen=True, eq=False)
class _Query:
    """What is wanted of one list's entries: their predictions of x (B, C, …) by a model."""

    entries: Sequence[Entry]
    model: Predictor
    x: Tensor
    keeps: Sequence[Kept] = ()  # by entry, as in `Piece`
    reuses: Sequence[Kept] = ()

    def pieces(self, rows: Tensor) -> list[Piece]:
        made = [
            Piece(self.model, each.crop(self.x), rows, each.tokens, each.extras, each.control) for each in self.entries
        ]
        if self.keeps:
            made = [replace(piece, keeps=kept) for piece, kept in zip(made, self.keeps, strict=True)]
        if self.reuses:
            made = [replace(piece, reuses=kept) for piece, kept in zip(made, self.reuses, strict=True)]
        return made


@dataclass(frozen=True, eq=False)
class _Watching:
    """A query that waits for what a watcher sees while the list `source` is predicted."""

    watcher: Watcher
    source: str
    query: _Query

    def of(self, rows: Tensor, made: Mapping[str, Tensor]) -> _Query:
        """The query, now that the list is predicted."""
        x, levels = self.query.x, self.query.model.levels
        return replace(self.query, x=self.watcher.shown(x, rows, made[self.source], levels))


def all_lists(guider: Guider) -> dict[str, Conditioning]:
    """The conditioning lists of a guider, and of those of its model's asides that have their own."""
    own = {each.name: each.of for each in guider.model.hooks.asides if not isinstance(each.of, str)}
    return {**guider.lists, **own}


def _answered(queries: Mapping[str, _Query], rows: Tensor) -> Generator[Sequence[Piece], Sequence[Tensor], _Told]:
    """Ask for all that is wanted at once; the predictions of each query's entries."""
    made = iter((yield [piece for query in queries.values() for piece in query.pieces(rows)]))
    return {name: [next(made) for _ in query.entries] for name, query in queries.items()}


def _rows(x: Tensor, sigma: Tensor) -> Tensor:
    return sigma.to(x.device, torch.float32).expand(x.shape[0])


def _empty(queries: Mapping[str, _Query]) -> KeptBy:
    return {name: [Kept() for _ in query.entries] for name, query in queries.items()}


def _state(queries: Mapping[str, _Query], level: float) -> tuple[Any, ...]:
    """What a call's answer depends on beside x and sigma: models, entries, and where tiles lie that move."""
    moves = any(each.model.hooks.tiling is not None and each.model.hooks.tiling.moves for each in queries.values())
    asked = (id(each) for query in queries.values() for each in (query.model, *query.entries))
    return (level if moves else None, *asked)


def _hooked(model: Predictor, attention: tuple[AttentionHook, ...]) -> Predictor:
    return model.hooked(attention=attention) if isinstance(model, Model) else model


def answer_together(asks: Sequence[Ask]) -> list[Prediction]:
    """Answer the asks of several running samplers, sharing network calls where their models are the same."""
    shared = [ask for ask in asks if isinstance(ask.denoise, Denoiser)]
    turns = [ask.denoise.turn(ask.x, ask.sigma) for ask in shared if isinstance(ask.denoise, Denoiser)]
    answers = iter(_ended(turns))
    return [next(answers) if isinstance(ask.denoise, Denoiser) else ask.answer() for ask in asks]


def _ended(turns: Sequence[Turn]) -> list[Prediction]:
    """Answer what turns ask for, round by round, until all have ended."""
    ended: dict[int, Prediction] = {}
    asked = {index: next(turn) for index, turn in enumerate(turns)}
    while asked:
        made = iter(tiled_predictions([piece for pieces in asked.values() for piece in pieces]))
        answers = {index: [next(made) for _ in pieces] for index, pieces in asked.items()}
        asked = {}
        for index, answer in answers.items():
            try:
                asked[index] = turns[index].send(answer)
            except StopIteration as done:
                ended[index] = done.value
    return [ended[index] for index in range(len(turns))]


def _mean(entries: Sequence[Entry], made: Sequence[Tensor], x: Tensor) -> Tensor:
    """The entries' predictions, each on its area, averaged by their weights; zero where none is."""
    total, weights = torch.zeros_like(x), torch.full_like(x, NOTHING)
    for entry, x0 in zip(entries, made, strict=True):
        entry.crop(total).add_(entry.weight * x0)
        entry.crop(weights).add_(entry.weight)
    return total / weights
