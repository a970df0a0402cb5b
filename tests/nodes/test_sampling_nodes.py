"""Sampler, guider, schedule and conditioning nodes, called with plain values on a model small enough to run."""

import dataclasses
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.calls import MOST_CELLS, Piece, predictions
from engine.diffusion.denoiser import answer_together
from engine.diffusion.drive import Job, alone, sample_together
from engine.diffusion.guidance import Guider
from engine.diffusion.latent_format import PLAYGROUND
from engine.diffusion.levels import CascadeLevels, ContinuousVLevels, DiscreteLevels, EdmLevels, FlowLevels, FluxLevels
from engine.diffusion.model import Model
from engine.diffusion.schedules import make_schedule
from nodes import conditioning as conditionings
from nodes import custom_sampling, guiders, model_patches, model_sampling, schedule_edits, schedules
from nodes.sample import ksampler, ksampler_advanced
from nodes.samplers import (
    ksampler_select,
    sampler_dpmpp_2m_sde,
    sampler_er_sde,
    sampler_euler_ancestral,
    sampler_euler_cfg_pp,
    sampler_lms,
    sampler_sa_solver,
)

pytestmark = pytest.mark.usefixtures("inference")
EMPTY: dict[str, Any] = {"samples": torch.zeros(1, 4, 8, 12)}


def prompt(seed: int, tokens: int = 77) -> Any:
    return [[torch.randn(1, tokens, 32, generator=torch.Generator().manual_seed(seed)), {}]]


POSITIVE, NEGATIVE = prompt(1), prompt(2, 154)


def sampled(model: Any, **changed: Any) -> Tensor:
    settings: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    settings |= {"positive": POSITIVE, "negative": NEGATIVE, "latent_image": EMPTY}
    return alone(ksampler(model, **(settings | changed)))["samples"]


def test_the_sampler_node_samples(model: Model) -> None:
    made = sampled(model)
    assert made.shape == (1, 4, 8, 12)
    assert made.isfinite().all()
    assert made.std() > 0.1


def test_a_network_predicts_batched_what_it_predicts_alone(model: Model) -> None:
    x = torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(3))
    texts = [POSITIVE[0][0], NEGATIVE[0][0], prompt(3)[0][0]]
    pieces = [
        Piece(model, x, torch.full((2,), level), text, {}) for level, text in zip((9.0, 2.0, 0.3), texts, strict=True)
    ]
    together = predictions(pieces, MOST_CELLS)
    apart = predictions(pieces, most_cells=1)
    for one, other in zip(together, apart, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_networks_sample_together_what_they_sample_alone(model: Model) -> None:
    wide: dict[str, Any] = {"samples": torch.zeros(2, 4, 8, 12)}
    inputs: list[dict[str, Any]] = [
        {},
        {"steps": 3, "sampler_name": "heun", "cfg": 1.0},
        {"latent_image": wide, "positive": prompt(4)},
    ]
    settings: list[dict[str, Any]] = [
        {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"} | each for each in inputs
    ]
    common: dict[str, Any] = {"positive": POSITIVE, "negative": NEGATIVE, "latent_image": EMPTY}
    jobs = [Job(ksampler(model, **(common | each))) for each in settings]
    made = dict(sample_together(jobs, answer_together))
    for job, each in zip(jobs, settings, strict=True):
        assert torch.allclose(made[job]["samples"], sampled(model, **each), atol=2e-3)


def test_a_schedule_can_be_sampled_in_parts(model: Model) -> None:
    common: dict[str, Any] = {"steps": 4, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    common |= {"positive": POSITIVE, "negative": NEGATIVE, "noise_seed": 5}
    first: dict[str, Any] = {"latent_image": EMPTY, "end_at_step": 2, "return_with_leftover_noise": "enable"}
    half = alone(ksampler_advanced(model, "enable", **common, **first))
    second: dict[str, Any] = {"latent_image": half, "start_at_step": 2, "return_with_leftover_noise": "disable"}
    whole = alone(ksampler_advanced(model, "disable", **common, **second))["samples"]
    assert torch.allclose(whole, sampled(model, steps=4), atol=1e-3)


def test_custom_sampling_equals_the_ordinary_node(model: Model) -> None:
    sigmas = schedules.basic_scheduler(model, "normal", 2)
    guider = guiders.cfg_guider(model, POSITIVE, NEGATIVE, 3.0)
    euler = ksampler_select("euler")
    one = alone(custom_sampling.sampler_custom_advanced(custom_sampling.random_noise(5), guider, euler, sigmas, EMPTY))
    other = alone(
        custom_sampling.sampler_custom(
            model,
            noise_seed=5,
            cfg=3.0,
            positive=POSITIVE,
            negative=NEGATIVE,
            sampler=euler,
            sigmas=sigmas,
            latent_image=EMPTY,
        )
    )
    assert torch.equal(one.output["samples"], sampled(model))
    assert torch.equal(other.output["samples"], sampled(model))
    assert torch.allclose(one.denoised_output["samples"], one.output["samples"], atol=1e-4)


def test_disabled_noise_starts_from_the_latent(model: Model) -> None:
    latent: dict[str, Any] = {"samples": torch.ones(1, 4, 8, 12)}
    sigmas = torch.tensor([0.5])
    guider = guiders.basic_guider(model, POSITIVE)
    run = custom_sampling.sampler_custom_advanced(
        custom_sampling.disable_noise(), guider, ksampler_select("euler"), sigmas, latent
    )
    assert torch.allclose(alone(run).output["samples"], latent["samples"], atol=1e-6)
    noisy = custom_sampling.add_noise(model, custom_sampling.random_noise(1), sigmas, latent)
    assert not torch.allclose(noisy["samples"], latent["samples"], atol=0.1)


def all_guiders(model: Model) -> list[Guider]:
    return [
        guiders.basic_guider(model, POSITIVE),
        guiders.cfg_guider(model, POSITIVE, NEGATIVE),
        guiders.dual_cfg_guider(model, POSITIVE, prompt(3), NEGATIVE, 3.0, 6.0, style="regular"),
        guiders.dual_cfg_guider(model, POSITIVE, prompt(3), NEGATIVE, 3.0, 6.0, style="nested"),
        guiders.perp_neg_guider(model, POSITIVE, NEGATIVE, prompt(3)),
    ]


def test_every_guider_samples_and_each_to_another_end(model: Model) -> None:
    sigmas = schedules.karras_scheduler(1)
    noise, euler = custom_sampling.random_noise(5), ksampler_select("euler")
    ends = [
        alone(custom_sampling.sampler_custom_advanced(noise, guider, euler, sigmas, EMPTY)).output["samples"]
        for guider in all_guiders(model)
    ]
    assert all(end.isfinite().all() for end in ends)
    assert not any(torch.allclose(one, other, atol=1e-3) for i, one in enumerate(ends) for other in ends[:i])


PATCHES = (
    lambda model: model_patches.rescale_cfg(model, 0.7),
    lambda model: model_patches.cfg_zero_star(model),
    lambda model: model_patches.cfg_norm(model, 0.9),
    lambda model: model_patches.tangential_damping_cfg(model),
    lambda model: model_patches.epsilon_scaling(model, 1.1),
    lambda model: model_patches.freeu(model),
    lambda model: model_patches.freeu_v2(model),
)


@pytest.mark.parametrize("patch", PATCHES)
def test_a_patched_model_samples_otherwise_and_the_first_one_as_before(model: Model, patch: Any) -> None:
    before = sampled(model, steps=1)
    patched = sampled(patch(model), steps=1)
    assert patched.isfinite().all()
    assert not torch.allclose(patched, before, atol=1e-3)
    assert torch.equal(sampled(model, steps=1), before)


def test_differential_diffusion_lets_brighter_parts_change_more(model: Model) -> None:
    mask = torch.linspace(0, 1, 12).expand(8, 12)
    latent: dict[str, Any] = {"samples": torch.ones(1, 4, 8, 12), "noise_mask": mask}
    patched = model_patches.differential_diffusion(model)
    changed = (sampled(patched, latent_image=latent, steps=5) - latent["samples"]).abs().mean(dim=(0, 1, 2))
    assert changed[0] < 1
    assert changed[:3].mean() < changed[4:7].mean() < changed[-3:].mean()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda model: model_sampling.model_sampling_discrete(model, "v_prediction", True), DiscreteLevels),
        (lambda model: model_sampling.model_sampling_continuous_edm(model, "v_prediction"), EdmLevels),
        (lambda model: model_sampling.model_sampling_continuous_v(model, "v_prediction"), ContinuousVLevels),
        (lambda model: model_sampling.model_sampling_stable_cascade(model), CascadeLevels),
        (lambda model: model_sampling.model_sampling_sd3(model, 2.0), FlowLevels),
        (lambda model: model_sampling.model_sampling_aura_flow(model), FlowLevels),
        (lambda model: model_sampling.model_sampling_flux(model, width=512, height=512), FluxLevels),
    ],
)
def test_models_sample_over_other_levels(model: Model, change: Any, kind: type) -> None:
    changed = change(model)
    assert isinstance(changed.levels, kind)
    assert sampled(changed, scheduler="simple", steps=1).isfinite().all()
    assert isinstance(model.levels, DiscreteLevels)


def test_every_discrete_output_can_be_sampled(model: Model) -> None:
    for kind in ("eps", "v_prediction", "lcm", "x0", "img_to_img"):
        assert sampled(model_sampling.model_sampling_discrete(model, kind), steps=1).isfinite().all(), kind


def test_playground_brings_its_latents_and_cosmos_is_refused(model: Model) -> None:
    playground = model_sampling.model_sampling_continuous_edm(model, "edm_playground_v2.5", 80.0, 0.002)
    assert playground.latent_format == PLAYGROUND
    with pytest.raises(ValueError, match="cosmos_rflow"):
        model_sampling.model_sampling_continuous_edm(model, "cosmos_rflow")


def test_sampler_nodes_set_options(model: Model) -> None:
    assert dict(sampler_euler_ancestral(0.5, 0.9).options) == {"eta": 0.5, "s_noise": 0.9}
    assert sampler_dpmpp_2m_sde("heun", noise_device="gpu").name == "dpmpp_2m_sde_gpu"
    assert sampler_dpmpp_2m_sde("heun", noise_device="cpu").name == "dpmpp_2m_sde"
    assert sampler_lms(2).options["order"] == 2
    assert sampler_euler_cfg_pp("alternative").reads_uncond
    assert sampler_er_sde("ER-SDE", 2).options == {"max_stage": 2, "s_noise": 1.0}
    assert sampler_er_sde("ODE").options["s_noise"] == 0.0
    assert sampler_er_sde("Reverse-time SDE", eta=0.5).options["noise_scaler_power"] == 1.5
    sa = sampler_sa_solver(model, 0.5, 0.1, 0.9, use_pece=True, simple_order_2=False)
    assert sa.options["tau"] == (0.1, 0.9, 0.5)


def test_schedule_nodes_give_their_schedules(model: Model) -> None:
    assert torch.equal(schedules.basic_scheduler(model, "karras", 5), make_schedule("karras", model.levels, 5))
    counts = {
        schedules.karras_scheduler: 21, schedules.exponential_scheduler: 21, schedules.polyexponential_scheduler: 21,
        schedules.laplace_scheduler: 20, schedules.vp_scheduler: 21,
    }  # fmt: skip
    assert {make: len(make()) for make in counts} == counts
    assert len(schedules.sd_turbo_scheduler(model, 4)) == 5
    assert len(schedules.beta_sampling_scheduler(model, 10)) == 11
    assert len(schedules.align_your_steps_scheduler("SDXL", 7)) == 8
    assert len(schedules.optimal_steps_scheduler("FLUX", 7, 0.5)) == 5


def test_schedules_are_cut_turned_and_extended(model: Model) -> None:
    sigmas = torch.tensor([8.0, 4.0, 2.0, 0.0])
    assert [each.tolist() for each in schedule_edits.split_sigmas(sigmas, 1)] == [[8, 4], [4, 2, 0]]
    assert [each.tolist() for each in schedule_edits.split_sigmas_denoise(sigmas, 0.34)] == [[8, 4, 2], [2, 0]]
    assert schedule_edits.flip_sigmas(sigmas).tolist() == pytest.approx([0.0001, 2, 4, 8])
    assert schedule_edits.set_first_sigma(sigmas, 9.0).tolist() == [9, 4, 2, 0]
    extended = schedule_edits.extend_intermediate_sigmas(sigmas, 2, -1.0, 4.0, spacing="linear")
    assert extended.tolist() == [8, 6, 4, 3, 2, 0]
    assert schedule_edits.sampling_percent_to_sigma(model, 0.5) == model.levels.at_percent(0.5)
    assert schedule_edits.sampling_percent_to_sigma(model, 0.0, True) == model.levels.sigma_max
    assert schedule_edits.sampling_percent_to_sigma(model, 1.0, True) == model.levels.sigma_min
    with pytest.raises(ValueError, match="sampling_percent is not a number"):
        schedule_edits.sampling_percent_to_sigma(model, math.nan)


def test_conditioning_nodes_write_the_settings_that_sampling_reads() -> None:
    ((_, area),) = conditionings.conditioning_set_area(POSITIVE, 68, 64, 16, 8, 0.5)
    assert area == {"area": (8, 8, 1, 2), "strength": 0.5, "set_area_to_bounds": False}
    ((_, share),) = conditionings.conditioning_set_area_percentage(POSITIVE, 0.5, 0.25, 0.1, 0.2)
    assert share["area"] == ("percentage", 0.25, 0.5, 0.2, 0.1)
    ((_, masked),) = conditionings.conditioning_set_mask(POSITIVE, torch.ones(8, 8), 0.5, set_cond_area="mask bounds")
    assert (masked["mask"].shape, masked["mask_strength"], masked["set_area_to_bounds"]) == ((1, 8, 8), 0.5, True)
    ((_, ranged),) = conditionings.conditioning_set_timestep_range(POSITIVE, 0.1, 0.6)
    assert ranged == {"start_percent": 0.1, "end_percent": 0.6}
    ((_, strong),) = conditionings.conditioning_set_area_strength(POSITIVE, 2.0)
    assert strong == {"strength": 2.0}
    assert len(conditionings.conditioning_combine(POSITIVE, NEGATIVE)) == 2
    assert conditionings.conditioning_concat(POSITIVE, NEGATIVE)[0][0].shape == (1, 231, 32)
    assert torch.equal(conditionings.conditioning_average(POSITIVE, NEGATIVE)[0][0], POSITIVE[0][0])
    assert conditionings.conditioning_zero_out(POSITIVE)[0][0].count_nonzero() == 0
    assert POSITIVE[0][1] == {}


def test_areas_masks_and_ranges_reach_the_network(model: Model) -> None:
    left = conditionings.conditioning_set_area(prompt(7), 64, 64, 0, 0)
    mask = torch.zeros(64, 96)
    mask[:, 48:] = 1
    right = conditionings.conditioning_set_mask(prompt(8), mask, set_cond_area="mask bounds")
    late = conditionings.conditioning_set_timestep_range(POSITIVE, 0.5, 1.0)
    positive = conditionings.conditioning_combine(conditionings.conditioning_combine(left, right), late)
    made = sampled(model, positive=positive)
    assert made.isfinite().all()
    assert not torch.allclose(made, sampled(model), atol=1e-3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cfg": math.nan}, "cfg is nan"),
        ({"denoise": math.nan}, "denoise is nan"),
        ({"latent_image": {"samples": torch.ones(1, 5, 8, 8)}}, "5 channels, and the model takes 4"),
        ({"latent_image": {}}, "a latent holds `samples`"),
        ({"positive": [[torch.zeros(1, 77, 8), {}]]}, "8 wide"),
        ({"positive": [[torch.zeros(1, 77, 32), {"area": (8, 8, 99, 0)}]]}, "lies outside the latent"),
    ],
)
def test_what_does_not_fit_is_named(model: Model, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sampled(model, **changed)


def test_hooks_stay_when_levels_change(model: Model) -> None:
    patched = model_sampling.model_sampling_discrete(model_patches.cfg_norm(model), "v_prediction")
    assert len(patched.hooks.finish) == 1
    assert dataclasses.replace(patched, hooks=model.hooks).hooks.finish == ()
