"""The nodes of theory, called with plain values on a model small enough to run."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion import beta_schedules
from engine.diffusion.drive import alone
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.model import Model
from engine.diffusion.noise import RandomNoise
from engine.diffusion.parameterisation import V
from engine.diffusion.solvers.solver import named
from engine.diffusion.vae import Vae
from nodes import built_in_registry
from nodes import theory_conversions as conversions
from nodes import theory_forward as forward
from nodes import theory_guidance as guidance
from nodes import theory_samplers as samplers
from nodes import theory_schedules as schedules
from nodes.guiders import cfg_guider
from nodes.sample import ksampler
from nodes.schedules import basic_scheduler
from tests.tiny.checkpoints import make_tiny_checkpoint

EMPTY: dict[str, Any] = {"samples": torch.zeros(1, 4, 8, 12)}
LATENT: dict[str, Any] = {"samples": torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(2))}
IMAGE = torch.rand(2, 16, 24, 3, generator=torch.Generator().manual_seed(3))
LINEAR = beta_schedules.linear()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    path: Path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    return load_checkpoint(make_tiny_checkpoint(path))


@pytest.fixture
def model(checkpoint: Checkpoint) -> Model:
    return checkpoint.model


@pytest.fixture(autouse=True)
def _inference() -> Any:
    with torch.inference_mode():
        yield


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(seed)), {}]]


def test_every_node_of_theory_names_its_formula_or_paper_below_its_tooltip() -> None:
    files = (conversions, forward, guidance, samplers, schedules)
    functions = [each for file in files for each in vars(file).values() if hasattr(each, "__heddle_node_id__")]
    types = built_in_registry().snapshot()
    ids = {id for id in types if types[id].category.startswith("theory")}
    assert {each.__heddle_node_id__ for each in functions} <= ids
    for each in functions:
        tip, _, rest = (each.__doc__ or "").partition("\n\n")
        assert "\n" not in tip
        if each is not conversions.latent_from_model_scale:
            assert rest, each


def test_the_page_of_theory_names_every_node_of_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "theory.md").read_text("utf-8")
    types = built_in_registry().snapshot()
    assert [id for id in types if types[id].category.startswith("theory") and f"`{id}`" not in page] == []


def test_every_rule_is_a_schedule_of_the_steps_asked_for() -> None:
    rules = (
        schedules.linear_beta_schedule,
        schedules.scaled_linear_beta_schedule,
        schedules.cosine_alpha_bar_schedule,
        schedules.sigmoid_alpha_bar_schedule,
        schedules.sigmoid_beta_schedule,
    )
    for rule in rules:
        made = rule(steps=50)
        assert made.betas.shape == (50,)
        assert made.betas.dtype == torch.float64
        assert schedules.rescale_zero_terminal_snr(made).alpha_bars[-1] == 0
    assert len(schedules.noise_schedule_from_numbers("0.1, 0.2, 0.3")) == 3
    assert len({rule().name for rule in rules}) == len(rules)


def test_up_to_four_schedules_are_plotted() -> None:
    cosine = schedules.cosine_alpha_bar_schedule()
    picture = schedules.plot_noise_schedule(LINEAR, "all", 640, 480, second=cosine, fourth=beta_schedules.sigmoid())
    assert picture.shape == (1, 480, 640, 3)
    assert not torch.equal(picture, schedules.plot_noise_schedule(LINEAR, "all", 640, 480))


def sampled(model: Model) -> Tensor:
    return alone(ksampler(model, 5, 2, 3.0, sampler_name="euler", scheduler="normal", positive=prompt(1),
                          negative=prompt(2), latent_image=EMPTY))["samples"]  # fmt: skip


def test_the_schedule_a_model_was_trained_on_changes_nothing_and_others_do(model: Model) -> None:
    usual = schedules.model_sampling_noise_schedule(model, beta_schedules.scaled_linear())
    torch.testing.assert_close(sampled(usual), sampled(model), rtol=1e-4, atol=1e-4)
    other = schedules.model_sampling_noise_schedule(model, beta_schedules.cosine(), "v")
    assert other.parameterisation == V
    assert not torch.allclose(sampled(other), sampled(model))


@pytest.mark.parametrize("way", ["closed_form", "step_by_step"])
def test_an_image_goes_to_noise_in_a_strip(way: forward.Way) -> None:
    strip, images = forward.forward_noise_image(IMAGE, LINEAR, way, pictures=3, times="0, 10, 1000")
    assert strip.shape[0] == 1
    assert images.shape == (6, 16, 24, 3)
    torch.testing.assert_close(images[:2], IMAGE)
    assert (images[2:4] - IMAGE).abs().mean() < (images[4:] - IMAGE).abs().mean()


def test_a_latent_goes_to_noise_and_comes_with_the_noise() -> None:
    noisy, noise = forward.forward_noise_latent({**LATENT, "batch_index": [4, 5]}, LINEAR, 300, seed=1)
    signal = LINEAR.alpha_bar(300)
    wanted = signal**0.5 * LATENT["samples"] + (1 - signal) ** 0.5 * noise["samples"]
    torch.testing.assert_close(noisy["samples"], wanted)
    assert noisy["batch_index"] == [4, 5]
    path = forward.forward_noise_latent_path(LATENT, LINEAR, times="0 300", seed=1)["samples"]
    torch.testing.assert_close(path, torch.cat([LATENT["samples"], wanted]))


def test_the_agreement_is_shown_of_images_of_latents_and_of_neither() -> None:
    short = beta_schedules.linear(20, 0.01, 0.3)
    data: list[dict[str, Any]] = [{}, {"image": IMAGE}, {"latent": LATENT}]
    for given in data:
        plot, text = forward.forward_process_agreement(short, 100, 5, width=480, height=240, **given)
        assert plot.shape == (1, 240, 480, 3)
        assert "100 walks of 20 steps" in text
    with pytest.raises(ValueError, match="not both"):
        forward.forward_process_agreement(short, image=IMAGE, latent=LATENT)


def test_predictions_are_converted_there_and_back(model: Model) -> None:
    scaled = conversions.latent_to_model_scale(model, LATENT)
    torch.testing.assert_close(scaled["samples"], LATENT["samples"] * 0.18215)
    torch.testing.assert_close(conversions.latent_from_model_scale(model, scaled)["samples"], LATENT["samples"])
    noisy, noise = forward.forward_noise_latent(scaled, LINEAR, 400)
    v = conversions.velocity_target(scaled, noise, LINEAR, 400)
    found = conversions.convert_prediction(noisy, v, LINEAR, 400, "v", "x0")
    torch.testing.assert_close(found["samples"], scaled["samples"], rtol=1e-4, atol=1e-5)


def test_a_model_predicts_from_a_noisy_latent(model: Model) -> None:
    noisy, _ = forward.forward_noise_latent(LATENT, LINEAR, 400)
    x0, epsilon = alone(conversions.predict_from_noisy(model, prompt(1), noisy, LINEAR, 400))
    again = conversions.convert_prediction(noisy, epsilon, LINEAR, 400, "epsilon", "x0")
    torch.testing.assert_close(again["samples"], x0["samples"], rtol=1e-3, atol=1e-3)


def test_samplers_of_theory_carry_their_options() -> None:
    assert samplers.sampler_ddpm_variance("learned", 0.3) == named("ddpm_posterior", variance="learned", v=0.3)
    assert samplers.sampler_ddim_eta(0.5).options == {"eta": 0.5}


def test_what_a_model_sees_is_a_strip_with_one_picture_for_every_other_step(checkpoint: Checkpoint) -> None:
    model, vae = checkpoint.model, checkpoint.vae
    assert isinstance(vae, Vae)
    guider = cfg_guider(model, prompt(1), prompt(2), 3.0)
    sigmas = basic_scheduler(model, "normal", 5)
    sampler = samplers.sampler_ddim_eta(0.0)
    asking = samplers.sample_with_x0_strip(RandomNoise(3), guider, sampler, sigmas, EMPTY, vae, 2)
    output, strip, seen = alone(asking)
    assert output["samples"].shape == EMPTY["samples"].shape
    assert seen["samples"].shape == (3, 4, 8, 12)
    # The last clean latent that was seen is where a run without leftover noise ends.
    torch.testing.assert_close(seen["samples"][-1:], output["samples"], rtol=1e-3, atol=1e-3)
    assert strip.shape[2] == 3 * (96 + 6) + 6
    nothing = samplers.sample_with_x0_strip(RandomNoise(3), guider, sampler, sigmas[:0], EMPTY, vae)
    with pytest.raises(ValueError, match="the schedule has no step"):
        alone(nothing)


def test_the_weight_of_guidance_is_one_below_its_scale(model: Model) -> None:
    assert guidance.guider_cfg_weight(model, prompt(1), prompt(2), 2.0).scale == 3.0  # pyright: ignore
    assert guidance.guider_cfg_interval(model, prompt(1), prompt(2), 2.0, 1.0, 3.0).wanted(False, 0.5) == {"positive"}


def test_a_classifier_is_hooked_into_a_copy_of_the_model(model: Model) -> None:
    class Bright:
        def log_probability(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
            return torch.nn.functional.logsigmoid(x.mean(dim=(1, 2, 3)) * (2 * label - 1))

    bright = guidance.classifier_guidance(model, Bright(), 1, 50.0)
    dark = guidance.classifier_guidance(model, Bright(), 0, 50.0)
    assert model.hooks.finish == ()
    assert sampled(bright).mean() > sampled(model).mean() > sampled(dark).mean()
