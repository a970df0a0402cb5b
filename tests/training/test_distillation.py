"""Distillation: the teacher's step, the student's skip, and a student that says in one step what its teacher would."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Generator, Tensor

from engine.diffusion import parameterisation
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.save import write
from engine.diffusion.levels import LcmLevels
from engine.diffusion.lora import add_lora
from engine.diffusion.text.clip import required
from engine.diffusion.vae import present
from engine.training import distillation
from engine.training.adapters import Adapter, adapt_unet, lora_tensors
from engine.training.copies import trainable
from engine.training.distillation import (
    Distillation,
    DistillationTask,
    as_consistency_model,
    difference,
    distill,
    distill_lora,
)
from engine.training.loop import train
from engine.training.lora import Rank
from engine.training.pictures import draw_all
from engine.training.recipe import Recipe
from engine.weights.lora import read_lora
from nodes.model_sampling import model_sampling_discrete
from tests.training.toys import Discs, tiny

RECIPE = Recipe(steps=30, batch=8, rate=3e-3, warm_up=2, average=0.5, preview_every=0, precision="float32")


def moved(made: Checkpoint) -> Checkpoint:
    """A model whose network says something: fresh ones predict nothing."""
    network = made.model.network
    with torch.no_grad():
        generator = Generator().manual_seed(5)
        for weight in network.parameters():
            if not weight.any():
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.1)
    return made


def task(how: Distillation) -> tuple[Checkpoint, DistillationTask]:
    made = moved(tiny())
    kept: list[DistillationTask] = []

    def keep(task: DistillationTask, recipe: Recipe, store: Path | None) -> object:
        kept.append(task)
        return train(task, replace(recipe, steps=1), store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distillation, "train", keep)
        distill(made.model, required(made.clip), present(made.vae), draw_all(Discs()), RECIPE, how)
    return made, kept[0]


def test_the_teachers_step_is_ddim_with_guidance() -> None:
    made, given = task(Distillation(cfg=3.0))
    table = made.model.levels.table
    x = torch.randn(2, 4, 4, 4)
    sigma, sigma_next = table[[999, 499]], torch.stack([table[979], torch.tensor(0.0)])
    states = given.base.states(given.base.ids[:2])
    got = given.stepped(x, sigma, sigma_next, states)
    cond = made.model.predict(x, sigma, states, {})
    uncond = made.model.predict(x, sigma, given.empty.expand(2, -1, -1), {})
    x0 = uncond + 3 * (cond - uncond)
    noise = (x - x0) / sigma.view(-1, 1, 1, 1)
    assert torch.allclose(got, x0 + noise * sigma_next.view(-1, 1, 1, 1), atol=1e-4)
    assert torch.allclose(got[1], x0[1], atol=1e-4)


def test_what_the_student_learns_is_what_sampling_reads() -> None:
    made, given = task(Distillation())
    sampled = model_sampling_discrete(made.model, "lcm")
    student = given.student
    assert student.levels == sampled.levels == LcmLevels()
    assert student.parameterisation == sampled.parameterisation
    x, sigma = torch.randn(2, 4, 4, 4), student.levels.table[[0, 30]]
    states = given.base.states(given.base.ids[:2])
    network = replace(sampled, network=given.base.model.network)
    with torch.no_grad():
        assert torch.allclose(given.consistency(x, sigma, states), network.predict(x, sigma, states, {}), atol=1e-5)


def test_at_the_lowest_level_the_teacher_is_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    _, given = task(Distillation(skip=50, loss="l2"))
    rows: list[Tensor] = []

    def kept(made: Tensor, wanted: Tensor, kind: str) -> Tensor:
        rows.append(wanted)
        return difference(made, wanted, "l2")

    def ends(x: Tensor, sigma: Tensor, sigma_next: Tensor, states: Tensor) -> Tensor:
        assert not sigma_next.any()
        return torch.full_like(x, 7)

    monkeypatch.setattr(distillation, "difference", kept)
    monkeypatch.setattr(DistillationTask, "stepped", lambda self, *given: ends(*given))
    given.loss(given.fetch([0, 1], Generator()), Generator().manual_seed(0))
    assert (rows[0] == 7).all()


@pytest.fixture
def simple_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    """A teacher whose noise is one half everywhere: what random networks say cannot be learnt in a few steps."""
    monkeypatch.setattr(
        DistillationTask,
        "stepped",
        lambda self, x, sigma, sigma_next, states: x - 0.5 * (sigma - sigma_next).view(-1, 1, 1, 1),
    )


@pytest.mark.usefixtures("simple_teacher")
def test_a_student_learns_from_its_teacher_who_stays() -> None:
    made = tiny()
    before = {name: weight.clone() for name, weight in made.model.network.state_dict().items()}
    with torch.inference_mode():  # as nodes are run
        given = (made.model, required(made.clip), present(made.vae), draw_all(Discs()))
        student = distill(*given, RECIPE, Distillation(skip=50))
    assert sum(student.run.losses[-4:]) < 0.5 * sum(student.run.losses[:4])
    assert all(torch.equal(before[name], now) for name, now in made.model.network.state_dict().items())
    assert student.model.levels == LcmLevels()


@pytest.mark.usefixtures("simple_teacher")
def test_a_lora_of_all_layers_learns_and_loads_as_it_was_trained(tmp_path: Path) -> None:
    made = tiny()
    given = (made.model, required(made.clip), present(made.vae), draw_all(Discs()))
    lora = distill_lora(*given, replace(RECIPE, rate=2e-2), Rank(4, 4.0), Distillation(skip=50))
    assert sum(lora.run.losses[-4:]) < 0.5 * sum(lora.run.losses[:4])
    layers = sum(weight.ndim > 1 for weight in made.model.network.parameters())
    assert len(lora.tensors) == 3 * layers
    write(tmp_path / "lcm.safetensors", lora.tensors, {})
    changed, _ = add_lora(made.model, None, read_lora(tmp_path / "lcm.safetensors"), 1.0, 1.0)
    assert len(changed.patches) == layers
    x, text = torch.randn(1, 4, 4, 4), required(made.clip).encode(required(made.clip).tokenize("a red disc")).cond
    noise = as_consistency_model(changed).predict(x, torch.tensor([9.0]), text, {}) - x
    assert (noise / -9).mean() == pytest.approx(0.5, abs=0.2)


def test_adapted_layers_compute_what_the_loaded_file_does(tmp_path: Path) -> None:
    plain = moved(tiny()).model
    network = trainable(plain.network)
    adapters = adapt_unet(network, "all", 3, 2.0, Generator().manual_seed(0))
    with torch.no_grad():
        for name, weight in adapters.named_parameters():
            if name.endswith(".up"):
                weight.normal_(0, 0.1)
    tensors = lora_tensors(cast("Mapping[str, Adapter]", adapters))
    write(tmp_path / "all.safetensors", tensors, {})
    changed, _ = add_lora(plain, None, read_lora(tmp_path / "all.safetensors"), 1.0, 1.0)
    x, t, text = torch.randn(1, 4, 4, 4), torch.tensor([500.0]), torch.randn(1, 77, 16)
    call = plain.family.call
    with torch.no_grad():
        expected = call(changed.patched, x, t, text, {}, ())
        assert torch.allclose(call(network, x, t, text, {}, ()), expected, atol=1e-2)
        assert not torch.allclose(call(plain.network, x, t, text, {}, ()), expected, atol=1e-1)


def test_targets_follow_the_student_and_leave_it_as_it_is() -> None:
    _, given = task(Distillation(follow=0.9))
    network = given.base.model.network
    x, sigma = torch.randn(1, 4, 4, 4), given.student.levels.table[[10]]
    states = given.base.states(given.base.ids[:1])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        first = given.target(x, sigma, states)
        for weight in network.parameters():
            weight.mul_(1.5)
        before = given.consistency(x, sigma, states)
        second = given.target(x, sigma, states)
        after = given.consistency(x, sigma, states)
    assert torch.equal(before, after)
    assert 0 < (second - first).norm() < 0.5 * (after - first).norm()


def test_huber_grows_like_a_line() -> None:
    zero = torch.zeros(4)
    assert difference(zero, zero, "huber") == 0
    assert difference(zero + 2, zero, "huber").item() == pytest.approx(2, abs=2e-3)
    assert difference(zero + 2, zero, "l2") == 4


def test_a_model_that_predicts_no_noise_is_refused() -> None:
    made = tiny()
    other = replace(made.model, parameterisation=parameterisation.V)
    with pytest.raises(ValueError, match=r"VPrediction and 1000 levels cannot be distilled; one that predicts noise"):
        distill(other, required(made.clip), present(made.vae), draw_all(Discs(2)), RECIPE)
    with pytest.raises(ValueError, match="skip is 51"):
        Distillation(skip=51)


def test_a_consistency_model_stays_one() -> None:
    student = as_consistency_model(tiny().model)
    assert as_consistency_model(student) is student
