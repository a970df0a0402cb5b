"""Guidance in the forms of papers: over an interval, and along the gradient of a classifier."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from engine.diffusion.classifier_guidance import Classifier, classifier_guidance, gradient
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.drive import Prediction, alone
from engine.diffusion.entries import resolve
from engine.diffusion.guidance import BasicGuider, CfgGuider, Guider
from engine.diffusion.guidance_interval import IntervalCfgGuider
from engine.diffusion.model import BlockHook, Hooks
from engine.diffusion.noise import RandomNoise
from engine.diffusion.one_step import predicted
from engine.diffusion.sampling import sample
from engine.diffusion.schedules import make_schedule
from engine.diffusion.solvers.solver import named
from engine.diffusion.trajectory import watched
from tests.diffusion.analytic import LEVELS, SET_A
from tests.diffusion.analytic_model import AnalyticModel, text

X = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(1))
EMPTY = {"samples": torch.zeros(1, 4, 4, 4)}
CENTRES = torch.tensor([-1.0, 1.0])


@dataclass(frozen=True)
class TwoClasses:
    """Two classes of clean data, N(−1, 1) and N(1, 1) per element, seen through noise: p(y | x) in closed form."""

    is_flow: bool = False

    def log_probability(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        level = sigma.reshape(-1, 1, 1, 1)
        kept = 1 - level if self.is_flow else torch.ones_like(level)
        variance = kept**2 + level**2
        evidence = [-((x - kept * centre) ** 2 / (2 * variance)).sum(dim=(1, 2, 3)) for centre in CENTRES]
        return torch.stack(evidence, dim=1).log_softmax(dim=1).gather(1, label[:, None])[:, 0]


@dataclass(frozen=True)
class Settled(AnalyticModel):
    """Predicts the same x0 whatever it is asked."""

    answer: Tensor = X

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...] = (),
    ) -> Tensor:
        return self.answer


def answered(guider: Guider, sigma: float) -> Prediction:
    return Denoiser(guider, resolve(guider.lists, guider.model, X, None))(X, torch.tensor(sigma))


def test_guidance_over_an_interval_is_guidance_inside_and_the_prompt_alone_outside() -> None:
    model = AnalyticModel()
    guider = IntervalCfgGuider(model, text("A"), text("B"), 4.0, low=1.0, high=5.0)
    whole, plain = CfgGuider(model, text("A"), text("B"), 4.0), BasicGuider(model, text("A"))
    for sigma in (1.5, 5.0):
        torch.testing.assert_close(answered(guider, sigma).x0, answered(whole, sigma).x0)
    for sigma in (0.5, 1.0, 9.0):
        model.calls.clear()
        outside = answered(guider, sigma).x0
        assert sum(model.calls) == len(X)  # the negative prompt was not evaluated
        torch.testing.assert_close(outside, answered(plain, sigma).x0)


def test_an_interval_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match="low should not be above high"):
        IntervalCfgGuider(AnalyticModel(), text("A"), text("B"), 4.0, low=3.0, high=1.0)


@pytest.mark.parametrize("inference", [True, False])
def test_the_gradient_is_that_of_the_closed_form(inference: bool) -> None:
    sigma = torch.tensor([0.5, 2.0])
    with torch.inference_mode(inference):
        found = gradient(TwoClasses(), X.clone(), sigma.clone(), 1)
    # d/dx log p(1 | x) = (1 − p(1 | x)) (1 − (−1)) / (1 + σ²)
    p = TwoClasses().log_probability(X, sigma, torch.ones(2, dtype=torch.long)).exp()
    wanted = ((1 - p) * 2 / (1 + sigma**2)).reshape(-1, 1, 1, 1).expand_as(X)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("kind", ["sd1_eps", "sd3_flow"])
def test_the_score_of_one_class_is_that_of_all_and_the_classifier_s(kind: str) -> None:
    # For an even mixture of the two classes E[x0 | x, y] = E[x0 | x] + σ² / a ∇ log p(y | x), exactly.
    levels = LEVELS[kind]
    sigma = torch.full((2,), 0.7)
    kept = 0.3 if levels.is_flow else 1.0
    variance = kept**2 + 0.7**2
    classifier = TwoClasses(levels.is_flow)
    of_class = CENTRES[1] + kept / variance * (X - kept * CENTRES[1])
    of_other = CENTRES[0] + kept / variance * (X - kept * CENTRES[0])
    share = classifier.log_probability(X, sigma, torch.ones(2, dtype=torch.long)).exp().reshape(-1, 1, 1, 1)
    of_all = share * of_class + (1 - share) * of_other
    model = Settled(levels, hooks=Hooks(finish=(classifier_guidance(classifier, 1, 1.0),)), answer=of_all)
    torch.testing.assert_close(answered(BasicGuider(model, text()), 0.7).x0, of_class, rtol=1e-4, atol=1e-5)
    without = replace(model, hooks=Hooks(finish=(classifier_guidance(classifier, 1, 0.0),)))
    torch.testing.assert_close(answered(BasicGuider(without, text()), 0.7).x0, of_all)


def test_pure_noise_of_a_flow_model_is_not_guided() -> None:
    hooks = Hooks(finish=(classifier_guidance(TwoClasses(is_flow=True), 1, 3.0),))
    model = Settled(LEVELS["sd3_flow"], hooks=hooks)
    torch.testing.assert_close(answered(BasicGuider(model, text()), 1.0).x0, X)


def test_classifiers_that_cannot_guide_are_refused() -> None:
    class Wrong(TwoClasses):
        def log_probability(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
            return x

    class Deaf(TwoClasses):
        def log_probability(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
            return torch.zeros(len(x))

    refused: list[tuple[Classifier, str]] = [(Wrong(), "of shape"), (Deaf(), "does not depend on the latent")]
    for classifier, wrong in refused:
        with pytest.raises(ValueError, match=wrong):
            gradient(classifier, X, torch.ones(2), 0)
    with pytest.raises(ValueError, match="finite"):
        classifier_guidance(TwoClasses(), 0, float("nan"))


@pytest.mark.parametrize("name", ["euler", "heun", "dpm_2", "dpmpp_sde"])
def test_what_is_seen_along_a_run_ends_with_its_last_x0(name: str) -> None:
    model = AnalyticModel()
    guider, sigmas = BasicGuider(model, text("A")), make_schedule("karras", model.levels, 7)

    plain = alone(sample(guider, RandomNoise(3), named(name), sigmas, EMPTY))
    result, seen = alone(watched(sample(guider, RandomNoise(3), named(name), sigmas, EMPTY), model.latent_format, 3))
    assert torch.equal(result.latent["samples"], plain.latent["samples"])
    assert [each.step for each in seen] == [0, 3, 6]
    assert [each.sigma for each in seen] == pytest.approx(sigmas[[0, 3, 6]].tolist())
    torch.testing.assert_close(seen[-1].x0, plain.denoised["samples"])
    _, few = alone(watched(sample(guider, RandomNoise(3), named(name), sigmas, EMPTY), model.latent_format, 4))
    assert [each.step for each in few] == [0, 4, 6]


def test_a_watched_run_is_stopped_and_told_of_errors() -> None:
    model = AnalyticModel()
    guider, sigmas = BasicGuider(model, text("A")), make_schedule("karras", model.levels, 3)
    asked = sample(guider, RandomNoise(3), named("euler"), sigmas, EMPTY)
    watching = watched(asked, model.latent_format, 1)
    next(watching)
    with pytest.raises(RuntimeError, match="no answer"):
        watching.throw(RuntimeError("no answer"))
    assert asked.gi_frame is None  # pyright: ignore[reportAttributeAccessIssue] - it ended with the error
    asked = sample(guider, RandomNoise(3), named("euler"), sigmas, EMPTY)
    watching = watched(asked, model.latent_format, 1)
    next(watching)
    watching.close()
    assert asked.gi_frame is None  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("kind", ["sd1_eps", "sd3_flow"])
def test_one_question_is_asked_at_the_level_of_the_same_signal_to_noise_ratio(kind: str) -> None:
    model = AnalyticModel(LEVELS[kind])
    signal = 0.3
    x0, epsilon = alone(predicted(model, text("A"), X, signal))
    sigma = (0.7 / 0.3) ** 0.5
    torch.testing.assert_close(x0, SET_A.denoise(X / 0.3**0.5, sigma, is_flow=False), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(signal**0.5 * x0 + (1 - signal) ** 0.5 * epsilon, X)
    with pytest.raises(ValueError, match="below 1"):
        alone(predicted(model, text("A"), X, 1.0))
