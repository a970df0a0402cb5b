"""Training a model on latents: it learns each target, with its text encoder or without, and is saved and sampled."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.diffusion import parameterisation
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.families.save import checkpoint_tensors, write
from engine.diffusion.text.clip import required
from engine.diffusion.vae import present
from engine.training.captions import reading_of, token_ids
from engine.training.checkpoint import WrongRun
from engine.training.denoising import Objective, latents_of, train_denoising
from engine.training.new_model import new_model
from engine.training.pictures import draw_all
from engine.training.recipe import Recipe
from engine.training.targets import TARGETS, Target, draw_times, target_of, weight_of
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.training.toys import SIZES, Discs, tiny

RECIPE = Recipe(steps=24, batch=8, rate=3e-3, warm_up=2, average=0.5, preview_every=0)
KINDS: list[Target] = ["epsilon", "v", "x0"]


def test_a_model_and_its_text_encoder_learn_and_those_given_stay_as_they_are(tmp_path: Path) -> None:
    made = tiny()
    clip = required(made.clip)
    before = deepcopy(made.model.network.state_dict()), deepcopy(clip.towers["l"].network.state_dict())
    with torch.inference_mode():  # as nodes are run
        trained = train_denoising(
            made.model, clip, present(made.vae), draw_all(Discs()), RECIPE, Objective(trains_text=True)
        )
    assert sum(trained.run.losses[-4:]) < 0.9 * sum(trained.run.losses[:4])
    for weights, network in zip(before, (made.model.network, clip.towers["l"].network), strict=True):
        assert all(torch.equal(weights[name], now) for name, now in network.state_dict().items())
    words = clip.tokenize("a red disc")
    assert not torch.equal(trained.clip.encode(words).cond, clip.encode(words).cond)

    tensors = checkpoint_tensors(trained.model, trained.clip, made.vae)
    assert {each.dtype for each in tensors.values()} == {torch.float16}
    write(tmp_path / "trained.safetensors", tensors, {})
    loaded = load_checkpoint(tmp_path / "trained.safetensors")
    assert torch.equal(required(loaded.clip).encode(words).cond, trained.clip.encode(words).cond)
    x, sigma, text = torch.randn(1, 4, 4, 4), torch.tensor([2.0]), trained.clip.encode(words).cond
    assert torch.equal(loaded.model.predict(x, sigma, text, {}), trained.model.predict(x, sigma, text, {}))


@pytest.mark.parametrize("target", KINDS)
def test_every_target_is_learnt_with_a_frozen_text_encoder(target: Target) -> None:
    made = tiny()
    clip = required(made.clip)
    objective = Objective(target, drawing="logit-normal", dropped=0.5, flips=True)
    trained = train_denoising(made.model, clip, present(made.vae), draw_all(Discs(4)), RECIPE, objective)
    assert sum(trained.run.losses[-4:]) < 0.95 * sum(trained.run.losses[:4])
    assert trained.clip is clip
    assert trained.model.parameterisation == TARGETS[target]


@pytest.mark.parametrize("target", KINDS)
def test_targets_are_what_sampling_reads_back(target: Target) -> None:
    kind = TARGETS[target]
    x0, noise = torch.randn(2, 3, 4, 4, 4, dtype=torch.float64).unbind()
    sigma = torch.tensor([0.1, 1.0, 9.0], dtype=torch.float64)
    wanted = target_of(kind, x0, noise, sigma.view(-1, 1, 1, 1))
    assert torch.allclose(kind.x0(x0 + sigma.view(-1, 1, 1, 1) * noise, sigma, wanted), x0)


def test_min_snr_weights_agree_between_targets_on_the_same_error() -> None:
    sigma = torch.tensor([0.1, 0.5, 1.0, 4.0])
    by_x0 = weight_of(parameterisation.X0, sigma, 5.0)
    assert torch.allclose(by_x0, sigma**-2, atol=0) is False
    assert torch.allclose(weight_of(parameterisation.EPSILON, sigma, 5.0), by_x0 * sigma**2)
    assert torch.allclose(weight_of(parameterisation.V, sigma, 5.0), by_x0 * sigma**2 / (sigma**2 + 1))
    assert weight_of(parameterisation.V, sigma, 0).tolist() == [1, 1, 1, 1]


def test_times_cover_the_range_and_gather_in_the_middle_when_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    even = draw_times(100, 1000, "uniform", generator)
    assert sorted(time // 10 for time in even.tolist()) == list(range(100))
    middle = draw_times(1000, 1000, "logit-normal", generator)
    assert ((middle > 250) & (middle < 750)).float().mean() > 0.7
    assert middle.min() >= 0
    assert middle.max() <= 999


def test_captions_are_read_as_prompts_are() -> None:
    clip = required(tiny().clip)
    tower = clip.towers["l"]
    ids = token_ids(tower, ["a red disc", "", "many " * 100])
    chunks = [tower.tokenize(text)[0] for text in ("a red disc", "")]
    assert ids[:2].tolist() == [[token.value for token in chunk] for chunk in chunks]
    assert ids.shape == (3, 77)
    states = reading_of(clip).states(tower.network, ids[:1])
    assert torch.allclose(states, clip.encode(clip.tokenize("a red disc")).cond, atol=1e-6)


def test_flips_add_mirrored_latents() -> None:
    made = tiny()
    latents = latents_of(made.model, present(made.vae), draw_all(Discs(3)), flips=True)
    assert latents.shape == (6, 4, 4, 4)
    assert not torch.equal(latents[:3], latents[3:])


def test_a_run_of_a_model_resumes(tmp_path: Path) -> None:
    made = tiny()
    given = (made.model, required(made.clip), present(made.vae), draw_all(Discs(4)))
    recipe = replace(RECIPE, steps=6, batch=2, last_rate=1.0)
    expected = train_denoising(*given, recipe).run.losses
    store = tmp_path / "run.safetensors"
    train_denoising(*given, replace(recipe, steps=3), store=store)
    assert train_denoising(*given, recipe, store=store).run.losses == pytest.approx(expected, rel=1e-5)


def test_samples_are_shown_with_the_curve() -> None:
    made = tiny()
    recipe = replace(RECIPE, steps=2, preview_every=2)
    run = train_denoising(made.model, required(made.clip), present(made.vae), draw_all(Discs(2)), recipe).run
    assert run.shown.height == 224 + 32


@pytest.mark.parametrize(("family", "says"), [("sdxl", "family sdxl"), ("inpaint", "further channels")])
def test_models_that_cannot_be_trained_are_named(tmp_path: Path, family: str, says: str) -> None:
    other = load_checkpoint(make_tiny_checkpoint(tmp_path / "other.safetensors", family))
    with pytest.raises(ValueError, match=says):
        train_denoising(other.model, required(other.clip), present(other.vae), draw_all(Discs(2)), RECIPE)


def test_a_run_on_the_latents_of_another_autoencoder_is_not_resumed(tmp_path: Path) -> None:
    made, other = tiny(), new_model(SIZES, seed=4)
    clip, pictures, store = required(made.clip), draw_all(Discs(2)), tmp_path / "run.safetensors"
    recipe = replace(RECIPE, steps=1, batch=1)
    train_denoising(made.model, clip, present(made.vae), pictures, recipe, store=store)
    with pytest.raises(WrongRun, match="belongs to another run"):
        train_denoising(made.model, clip, present(other.vae), pictures, recipe, store=store)
