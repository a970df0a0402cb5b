"""Nodes that guide by one more prediction, against the same sums made by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.diffusion.denoiser import Denoiser, all_lists, answer_together
from engine.diffusion.drive import Ask
from engine.diffusion.entries import resolve
from engine.diffusion.guidance import BasicGuider, CfgGuider, Guider, PerpNegGuider
from engine.diffusion.model import AttentionPlace, Model
from engine.diffusion.perturbed_attention import only_itself
from engine.diffusion.self_attention_guidance import attention_received, blur
from nodes import attention_patches
from nodes import guidance_patches as nodes

pytestmark = pytest.mark.usefixtures("inference")
X = 4 * torch.randn(2, 4, 16, 24, generator=torch.Generator().manual_seed(7))
SIGMA = torch.tensor(4.0)
SCALE = 3.0


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(seed)), {}]]


def denoiser(guider: Guider) -> Denoiser:
    return Denoiser(guider, resolve(all_lists(guider), guider.model, torch.zeros_like(X), None))


def guided(model: Model, scale: float = SCALE) -> Tensor:
    return denoiser(CfgGuider(model, prompt(1), prompt(2), scale))(X, SIGMA).x0


def predicted(model: Model, seed: int, x: Tensor = X) -> Tensor:
    return model.predict(x, SIGMA.expand(2), prompt(seed)[0][0].expand(2, -1, -1), {})


def test_perturbed_attention_guides_away_from_the_middle_blocks_values_alone(model: Model) -> None:
    perturbed = predicted(model.hooked(attention=(only_itself,)), 1)
    expected = guided(model) + 2.5 * (predicted(model, 1) - perturbed)
    assert not torch.allclose(perturbed, predicted(model, 1), atol=1e-3)
    assert torch.allclose(guided(nodes.perturbed_attention_guidance(model, 2.5)), expected, atol=1e-3)


def test_an_identity_map_gives_each_place_its_own_value(model: Model) -> None:
    seen: list[AttentionPlace] = []

    def see(tokens: Tensor, attend: Any, place: AttentionPlace) -> Tensor:
        seen.append(place)
        return attend(tokens)

    predicted(model.hooked(attention=(see,)), 1)
    for place in seen:
        layers: Any = place.weights
        tokens = torch.randn(2, place.size[0] * place.size[1], layers.to_v.in_features)
        made = only_itself(tokens, layers, place)
        one_by_one = layers(tokens.flatten(0, 1)[:, None]).view_as(tokens)  # a place alone sees only itself
        assert torch.allclose(made, one_by_one, atol=1e-4) == (place.block.part == "middle")


def test_self_attention_guidance_is_the_papers_sum(model: Model) -> None:
    received: list[tuple[AttentionPlace, Tensor]] = []

    def see(tokens: Tensor, attend: Any, place: AttentionPlace) -> Tensor:
        if place.block.part == "middle":
            received.append((place, attention_received(tokens, place)))
        return attend(tokens)

    negative = predicted(model.hooked(attention=(see,)), 2)
    place, mass = received[0]
    assert torch.allclose(mass.mean(dim=1), torch.ones(2), atol=1e-5)
    mask = interpolate((mass > 1).float().view(2, 1, *place.size), size=X.shape[-2:], mode="nearest")
    degraded = blur(negative, 2.0) * mask + negative * (1 - mask)
    noised = degraded + (X - negative)
    expected = guided(model) + 0.75 * (degraded - predicted(model, 2, noised))
    assert 0 < mask.mean() < 1
    assert torch.allclose(guided(nodes.self_attention_guided(model, 0.75)), expected, atol=1e-3)
    assert not torch.allclose(guided(model), expected, atol=1e-3)


def test_a_blur_keeps_the_mean_of_a_plain_picture_and_spreads_a_point() -> None:
    assert torch.allclose(blur(torch.ones(1, 4, 9, 9), 2.0), torch.ones(1, 4, 9, 9), atol=1e-6)
    point = torch.zeros(1, 1, 9, 9)
    point[..., 4, 4] = 1
    spread = blur(point, 2.0)[0, 0]
    assert torch.allclose(spread[4, 6] / spread[4, 4], torch.tensor(-0.5).exp(), atol=1e-5)  # two cells off, sigma 2


def test_perp_neg_on_a_model_is_the_guider_of_that_name(model: Model) -> None:
    patched = nodes.perp_neg(model, prompt(3), 0.8)
    theirs = denoiser(PerpNegGuider(model, prompt(1), prompt(2), prompt(3), SCALE, 0.8))(X, SIGMA).x0
    assert torch.allclose(guided(patched), theirs, atol=1e-3)
    at_one = denoiser(PerpNegGuider(model, prompt(1), prompt(2), prompt(3), 1.0, 0.8))(X, SIGMA).x0
    assert torch.allclose(guided(patched, 1.0), at_one, atol=1e-3)


def test_patches_add_up_and_leave_their_model_alone(model: Model) -> None:
    before = guided(model)
    one = guided(nodes.perturbed_attention_guidance(model, 1.0)) - before
    other = guided(nodes.self_attention_guided(model, 0.5)) - before
    both = guided(nodes.self_attention_guided(nodes.perturbed_attention_guidance(model, 1.0), 0.5)) - before
    assert torch.allclose(both, one + other, atol=1e-3)
    assert guided(nodes.self_attention_guided(attention_patches.hyper_tile(model, 32), 0.5)).isfinite().all()
    assert torch.equal(guided(model), before)


def test_settings_that_ask_for_nothing_give_the_model_back(model: Model) -> None:
    assert nodes.perturbed_attention_guidance(model, 0.0) is model
    assert nodes.self_attention_guided(model, 0.0) is model
    assert nodes.self_attention_guided(model, 1.0, 0.0) is model


def test_jobs_answered_together_get_what_each_gets_alone(model: Model) -> None:
    patched = [
        nodes.perturbed_attention_guidance(model, 2.0),
        nodes.self_attention_guided(model, 0.5),
        nodes.perp_neg(model, prompt(3)),
        model,
    ]
    made = answer_together(
        [Ask(denoiser(CfgGuider(one, prompt(1), prompt(2), SCALE)), X, SIGMA, 0, 1) for one in patched]
    )
    for one, answer in zip(patched, made, strict=True):
        assert torch.allclose(answer.x0, guided(one), atol=1e-3)


def test_a_guider_without_a_negative_prompt_is_told_what_is_missing(model: Model) -> None:
    guider = BasicGuider(nodes.self_attention_guided(model), prompt(1))
    with pytest.raises(ValueError, match="Self-Attention Guidance 0 needs a negative prompt, and this guider has none"):
        denoiser(guider)(X, SIGMA)
