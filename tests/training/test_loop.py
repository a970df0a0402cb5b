"""The loop: it learns, resumes as if it had not stopped, keeps what a cancelled run has, and gives up on no numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL.Image import Image

from engine.node.context import Executing, Interrupted, entered
from engine.training.checkpoint import WrongRun
from engine.training.loop import Diverged, is_narrow, train
from engine.training.recipe import Recipe
from tests.training.toys import Line

RECIPE = Recipe(steps=40, batch=4, rate=0.2, warm_up=4, average=0.9, preview_every=0)


def call(report: Any = lambda *_: None, is_cancelled: Any = lambda: False) -> Executing:
    return Executing("prompt", "node", None, report, is_cancelled)


def test_the_loss_falls() -> None:
    losses = train(Line(), RECIPE).losses
    assert len(losses) == 40
    assert sum(losses[-5:]) < sum(losses[:5]) / 10


def test_a_run_learns_inside_inference_mode_too() -> None:
    task = Line()
    with torch.inference_mode():
        losses = train(task, RECIPE).losses
    assert losses[-1] < losses[0] / 10


def test_the_same_seed_gives_the_same_run_and_another_seed_another_one() -> None:
    first, again, other = (train(Line(), replace(RECIPE, seed=seed)).losses for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_resumed_run_goes_on_as_if_it_had_never_stopped(tmp_path: Path, accumulate: int) -> None:
    recipe = replace(RECIPE, steps=12, accumulate=accumulate, last_rate=1.0)
    whole, halves = Line(), Line()
    expected = train(whole, recipe).losses
    store = tmp_path / "run.safetensors"
    train(halves, replace(recipe, steps=5), store)
    resumed = Line()
    assert train(resumed, recipe, store).losses == expected
    assert torch.equal(whole.layer.weight, resumed.layer.weight)


def test_a_finished_run_gives_its_weights_again(tmp_path: Path) -> None:
    store = tmp_path / "run.safetensors"
    first, again = Line(), Line()
    train(first, RECIPE, store)
    train(again, RECIPE, store)
    assert again.batches == 0
    assert torch.equal(first.layer.weight, again.layer.weight)


def test_a_cancelled_run_leaves_a_checkpoint_and_is_resumed(tmp_path: Path) -> None:
    recipe = replace(RECIPE, last_rate=1.0)
    expected = train(Line(), recipe).losses
    store = tmp_path / "run.safetensors"
    told: list[float] = []
    with entered(call(lambda value, *_: told.append(value), lambda: len(told) == 7)), pytest.raises(Interrupted):
        train(Line(), recipe, store)
    assert store.exists()
    resumed = train(Line(), recipe, store)
    assert resumed.losses == expected


def test_steps_without_a_finite_loss_are_skipped_and_too_many_end_the_run(tmp_path: Path) -> None:
    task = Line(broken_from=6)
    with pytest.raises(Diverged, match=r"a line: at step 8 the loss has been no finite number for 3 steps in a row"):
        train(task, replace(RECIPE, patience=3, average=0), tmp_path / "run.safetensors")
    assert task.layer.weight.isfinite().all()


def test_the_clock_ends_a_run_and_its_rate() -> None:
    recipe = replace(RECIPE, steps=10**6, minutes=0.3 / 60)
    run = train(Line(), recipe)
    assert 1 < len(run.losses) < 10**6
    assert run.seconds == pytest.approx(0.3, abs=0.2)
    assert recipe.rate_at(500, recipe.done_at(500, 0.3)) == pytest.approx(recipe.rate * recipe.last_rate)


def test_the_rate_rises_then_falls_as_a_cosine() -> None:
    recipe = Recipe(steps=100, rate=1.0, warm_up=10, last_rate=0.0)
    rates = [recipe.rate_at(step, recipe.done_at(step, 0)) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == pytest.approx(0.98, abs=0.01)
    assert rates[50] == pytest.approx(0.5)
    assert rates[-1] < 0.001


def test_every_epoch_holds_every_example_once_in_an_order_of_its_own() -> None:
    recipe = Recipe(batch=4)
    rows = [row for number in range(5) for row in recipe.rows(number, 10)]
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
    assert rows[:10] != rows[10:]


def test_progress_counts_steps_and_shows_the_curve() -> None:
    told: list[tuple[float, float, Any]] = []
    with entered(call(lambda *each: told.append(each))):
        train(Line(), replace(RECIPE, steps=10, preview_every=5))
    assert [(value, total) for value, total, _ in told] == [(step, 10) for step in range(1, 11)]
    assert [isinstance(each, Image) for *_, each in told] == [step % 5 == 0 for step in range(1, 11)]


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "run.safetensors"
    train(Line(), RECIPE, store)
    other = Line()
    with torch.no_grad():
        other.layer.weight.add_(1)
    with pytest.raises(WrongRun, match="belongs to another run"):
        train(other, RECIPE, store)
    store.write_bytes(b"no tensors")
    with pytest.raises(WrongRun, match="is no checkpoint of a training run"):
        train(Line(), RECIPE, store)


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="batch is 0"):
        Recipe(batch=0)
    with pytest.raises(ValueError, match="average is 1"):
        Recipe(average=1)


def test_precision_is_what_was_asked_for() -> None:
    cpu = torch.device("cpu")
    assert is_narrow(Recipe(precision="bfloat16"), cpu)
    assert not is_narrow(Recipe(precision="float32"), cpu)
    losses = train(Line(), replace(RECIPE, precision="bfloat16")).losses
    assert losses[-1] < losses[0] / 10


def test_the_step_that_compiles_does_not_count_on_the_clock() -> None:
    assert train(Line(), Recipe(steps=1, batch=2, compiled=True)).seconds == 0
    assert train(Line(), Recipe(steps=2, batch=2, compiled=True)).seconds > 0
