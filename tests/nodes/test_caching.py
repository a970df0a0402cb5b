"""Cached steps are those of the paper's sum, and the same in a run that is resumed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.denoiser import answer_together
from engine.diffusion.drive import Ask, Job, Prediction, alone, sample_together
from engine.diffusion.model import Block, Model
from nodes import caching
from nodes.sample import ksampler

pytestmark = pytest.mark.usefixtures("inference")
EMPTY: dict[str, Any] = {"samples": torch.zeros(2, 4, 8, 12)}
STEPS = 12


def counted(model: Model) -> tuple[Model, list[int]]:
    """The model, and a list that grows with each call of its network."""
    calls: list[int] = []

    def count(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block.part == "middle":
            calls.append(len(h))
        return h, skip

    return replace(model, hooks=replace(model.hooks, blocks=(count,))), calls


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(seed)), {}]]


def run(model: Model, sampler: str = "euler") -> Any:
    settings: dict[str, Any] = {"seed": 5, "steps": STEPS, "cfg": 3.0, "sampler_name": sampler, "scheduler": "karras"}
    return ksampler(model, **settings, positive=prompt(1), negative=prompt(2), latent_image=EMPTY)


def driven(
    asking: Any, known: Sequence[Prediction] = (), watch: Callable[[], object] = bool
) -> tuple[list[tuple[Ask, Prediction]], Tensor]:
    """All asks with their answers, the first ones as known, and the end."""
    told: list[tuple[Ask, Prediction]] = []
    ask = next(asking)
    while True:
        answer = known[len(told)] if len(told) < len(known) else ask.answer()
        told.append((ask, answer))
        watch()
        try:
            ask = asking.send(answer)
        except StopIteration as done:
            return told, done.value["samples"]


@pytest.mark.parametrize("node", [caching.easy_cache, caching.lazy_cache])
def test_steps_are_spared_where_the_papers_sum_stays_below_the_threshold(
    node: Callable[..., Model], model: Model
) -> None:
    counting, calls = counted(model)
    told, end = driven(run(node(counting, 0.5, 0.0, 1.0)))
    assert end.isfinite().all()
    spared, rate, spent = 0, None, 0.0
    before: tuple[Tensor, Tensor] | None = None
    offset = torch.zeros(())
    for ask, answer in told:
        seen = ask.x / (ask.sigma**2 + 1) ** 0.5
        noise = (ask.x - answer.x0) / ask.sigma  # the network's output: it predicts the noise
        moved = (seen - before[0]).abs().mean() if before else torch.inf
        change = spent + rate * moved / before[1].abs().mean() if before and rate is not None else torch.inf
        if change < 0.5:
            spared, spent = spared + 1, change
            assert torch.allclose(noise, seen + offset, atol=1e-3)
        else:
            rate, spent, offset = (noise - before[1]).abs().mean() / moved if before else None, 0.0, noise - seen
        before = seen, noise
    assert 0 < spared < STEPS - 2
    assert len(calls) == STEPS - spared


def test_a_threshold_of_nothing_changes_no_bit_and_the_model_stays_as_it_was(model: Model) -> None:
    before = alone(run(model))["samples"]
    assert torch.equal(alone(run(caching.easy_cache(model, 0.0)))["samples"], before)
    assert not torch.equal(alone(run(caching.easy_cache(model, 0.5, 0.0, 1.0)))["samples"], before)
    assert torch.equal(alone(run(model))["samples"], before)


def test_outside_of_its_range_every_step_is_computed(model: Model) -> None:
    counting, calls = counted(model)
    alone(run(caching.easy_cache(counting, 3.0, 1.0, 1.0)))
    assert len(calls) == STEPS


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "euler_ancestral", "euler_cfg_pp"])
def test_a_run_that_is_resumed_spares_the_same_steps_and_ends_with_the_same_bits(sampler: str, model: Model) -> None:
    counting, calls = counted(caching.easy_cache(model, 0.5, 0.0, 1.0))
    done: list[int] = []  # how many calls had been made after each answer
    told, end = driven(run(counting, sampler), watch=lambda: done.append(len(calls)))
    assert 2 < done[-1] < len(told)
    for kept in (1, 2, 5, 9):
        calls.clear()
        _, again = driven(run(counting, sampler), [answer for _, answer in told[:kept]])
        assert torch.equal(again, end)
        assert len(calls) == done[-1] - done[kept - 1]


def test_runs_side_by_side_spare_what_each_would_alone(model: Model) -> None:
    cached = caching.easy_cache(model, 0.5, 0.0, 1.0)
    jobs = [Job(run(cached)), Job(run(cached, "dpmpp_2m")), Job(run(model))]
    ended = {id(job): made["samples"] for job, made in sample_together(jobs, answer_together)}
    wanted = [alone(run(cached)), alone(run(cached, "dpmpp_2m")), alone(run(model))]
    for job, alone_made in zip(jobs, wanted, strict=True):
        assert torch.allclose(ended[id(job)], alone_made["samples"], atol=2e-2)


def test_a_range_that_ends_before_it_starts_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="EasyCache from 0.9 to 0.2 of the way"):
        caching.easy_cache(model, 0.2, 0.9, 0.2)
