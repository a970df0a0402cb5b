"""Guided predictions against the figures of the reference, and what guiders ask for."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion import guidance_hooks
from engine.diffusion.conditioning import Made, combine
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.entries import resolve
from engine.diffusion.guidance import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider
from engine.diffusion.guidance_hooks import perpendicular
from engine.diffusion.model import Guided, Hooks
from engine.diffusion.noise import RandomNoise
from tests.diffusion.analytic import LEVELS, mismatch
from tests.diffusion.analytic_model import AnalyticModel, mask_of, text


def entries(records: list[dict[str, Any]]) -> Made:
    return combine(*(entry(record) for record in records))


def entry(record: dict[str, Any]) -> Made:
    renamed = {"start": "start_percent", "end": "end_percent"}
    settings = {renamed.get(key, key): value for key, value in record.items() if key not in ("dist", "tokens", "mask")}
    if "mask" in record:
        settings["mask"] = mask_of(record["mask"])[None]
    if "area" in record:
        settings["area"] = tuple(record["area"])
    return text(record["dist"], record.get("tokens", 77), **settings)


def guider_of(record: dict[str, Any], model: AnalyticModel) -> Guider:
    lists = {
        name: entries(record[name]) for name in ("positive", "negative", "cond1", "cond2", "empty") if name in record
    }
    match record.get("guider"):
        case "basic":
            return BasicGuider(model, lists["positive"])
        case "dual":
            scales = record["cfg_conds"], record["cfg_cond2_negative"]
            return DualCfgGuider(model, lists["cond1"], lists["cond2"], lists["negative"], *scales, record["style"])
        case "perpneg":
            scales = record["cfg"], record["neg_scale"]
            return PerpNegGuider(model, lists["positive"], lists["negative"], lists["empty"], *scales)
        case _:
            return CfgGuider(model, lists["positive"], lists["negative"], record["cfg"])


def hooks_of(record: dict[str, Any]) -> Hooks:
    hooks = Hooks()
    if "rescale_cfg" in record:
        hooks = dataclasses.replace(hooks, combine=guidance_hooks.rescale_cfg(record["rescale_cfg"]))
    if "cfg_norm" in record:
        hooks = dataclasses.replace(hooks, finish=(guidance_hooks.cfg_norm(record["cfg_norm"]),))
    if "cfg_zero_star" in record:
        hooks = dataclasses.replace(hooks, finish=(guidance_hooks.cfg_zero_star,))
    return hooks


def denoiser_of(guider: Guider, latent: Tensor, **more: Any) -> Denoiser:
    return Denoiser(guider, resolve(guider.lists, guider.model, latent, None), **more)


def test_every_guided_prediction_equals_the_reference(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    wrong: list[str] = []
    for record in golden("guidance"):
        model = AnalyticModel(LEVELS[record["model"]], hooks=hooks_of(record))
        zeros = torch.zeros(record["shape"])
        noise = RandomNoise(record["seed"]).generate({"samples": zeros})
        sigma = torch.tensor(record["sigma"])
        x = model.levels.noised(zeros, noise, sigma)
        x0 = denoiser_of(guider_of(record, model), zeros)(x, sigma).x0
        if (what := mismatch(x0, record)) is not None:
            wrong.append(f"seed {record['seed']}: {what}")
    assert wrong == []


X = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
SIGMA = torch.tensor(2.0)


def test_at_scale_one_the_negative_prompt_is_not_evaluated() -> None:
    model = AnalyticModel()
    alone = CfgGuider(model, text("A"), text("B"), 1.0)
    prediction = denoiser_of(alone, X)(X, SIGMA)
    assert model.calls == [1]
    assert torch.equal(prediction.x0, denoiser_of(BasicGuider(model, text("A")), X)(X, SIGMA).x0)
    assert prediction.uncond is not None
    assert prediction.uncond.count_nonzero() == 0


def test_samplers_that_read_the_negative_prediction_get_it_at_scale_one() -> None:
    model = AnalyticModel()
    guider = CfgGuider(model, text("A"), text("B"), 1.0)
    prediction = denoiser_of(guider, X, reads_uncond=True)(X, SIGMA)
    alone = denoiser_of(BasicGuider(model, text("B")), X)(X, SIGMA).x0
    assert prediction.uncond is not None
    assert torch.allclose(prediction.uncond, alone)


def test_a_hook_can_ask_for_the_negative_prompt_at_scale_one() -> None:
    model = AnalyticModel(hooks=Hooks(always_uncond=True))
    denoiser_of(CfgGuider(model, text("A"), text("B"), 1.0), X)(X, SIGMA)
    assert model.calls == [2]


def test_hooks_run_in_order_and_see_what_came_before_them() -> None:
    seen: list[str] = []

    def swap(made: list[Tensor], guided: Guided) -> list[Tensor]:
        seen.append("predictions")
        return made[::-1]

    def combine_hook(guided: Guided) -> Tensor:
        seen.append("combine")
        return guided.cond

    def first(guided: Guided) -> Tensor:
        seen.append("first")
        return guided.x0 + 1

    def second(guided: Guided) -> Tensor:
        seen.append("second")
        return guided.x0 * 2

    model = AnalyticModel(hooks=Hooks(predictions=(swap,), combine=combine_hook, finish=(first, second)))
    x0 = denoiser_of(CfgGuider(model, text("A"), text("B"), 5.0), X)(X, SIGMA).x0
    negative = denoiser_of(BasicGuider(AnalyticModel(), text("B")), X)(X, SIGMA).x0
    assert seen == ["predictions", "combine", "first", "second"]
    assert torch.allclose(x0, (negative + 1) * 2)


@pytest.mark.parametrize("scale", [math.nan, math.inf])
def test_a_scale_that_is_no_number_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="cfg is (nan|inf); it should be a finite number"):
        CfgGuider(AnalyticModel(), text(), text(), scale)


def test_dual_guidance_knows_two_styles() -> None:
    with pytest.raises(ValueError, match="regular or nested"):
        DualCfgGuider(AnalyticModel(), text(), text(), text(), style="other")  # pyright: ignore[reportArgumentType]


def test_what_is_perpendicular_to_nothing_is_all_of_it() -> None:
    assert torch.equal(perpendicular(X, torch.zeros_like(X)), X)
    assert abs((perpendicular(X, X + 1) * (X + 1)).sum()) < 1e-3


def test_rescaling_at_full_strength_gives_the_positive_predictions_contrast() -> None:
    guided = Guided(X, SIGMA.expand(1), X * 0.5, X * 0.1, 7.0, X, AnalyticModel())
    x0 = guidance_hooks.rescale_cfg(1.0)(guided)
    scaled = X / (SIGMA**2 + 1)
    assert torch.allclose((scaled - x0).std(), (scaled - guided.cond).std(), rtol=1e-4)


def test_tangential_damping_keeps_what_lies_along_the_shared_direction() -> None:
    cond, uncond = X + 0.9 * torch.randn(X.shape, generator=torch.Generator().manual_seed(1)), X * 0.1
    guided = Guided(X, SIGMA.expand(1), cond, uncond, 7.0, X, AnalyticModel())
    same, damped = guidance_hooks.tangential_damping([cond, uncond], guided)
    assert torch.equal(same, cond)
    a, b = (X - cond).flatten().double(), (X - uncond).flatten().double()
    gram = torch.stack([torch.stack([a @ a, a @ b]), torch.stack([a @ b, b @ b])])
    top = torch.linalg.eigh(gram).eigenvectors[:, -1]  # of the largest eigenvalue
    direction = top[0] * a + top[1] * b
    expected = (b @ direction) / (direction @ direction) * direction
    assert torch.allclose((X - damped).flatten().double(), expected, atol=1e-4)


def test_epsilon_scaling_divides_the_noise_that_was_predicted() -> None:
    guided = Guided(X, SIGMA.expand(1), X, X, 7.0, X * 0.3, AnalyticModel())
    x0 = guidance_hooks.epsilon_scaling(1.25)(guided)
    assert torch.allclose((X - x0) / SIGMA, (X - guided.x0) / SIGMA / 1.25, atol=1e-5)
