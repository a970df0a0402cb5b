"""Calls that reuse what deep blocks said, and a run of them: whole once in so many, and the same when it is resumed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.calls import Piece
from engine.diffusion.control import Control
from engine.diffusion.deep_cache import Kept, deep_cache
from engine.diffusion.denoiser import answer_together
from engine.diffusion.drive import Job, alone, sample_together
from engine.diffusion.families.control_files import load_control_net
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.model import Block, DeepCache, Model
from engine.diffusion.tiled_calls import tiled_predictions
from engine.diffusion.tiling import Tiling
from nodes.caching import easy_cache
from nodes.deep_cache import deep_cache as node
from nodes.guidance_patches import perturbed_attention_guidance, self_attention_guided
from nodes.sample import ksampler
from tests.nodes.test_caching import counted, driven
from tests.tiny.controls import make_tiny_control

Tiny = Callable[[str], Checkpoint]
STEPS = 7


@pytest.fixture(autouse=True)
def without_gradients() -> Any:
    with torch.inference_mode():
        yield


@pytest.fixture
def model(tiny: Tiny) -> Model:
    return tiny("sd15").model


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def prompt(seed: int) -> Any:
    return [[noise(1, 77, 32, seed=seed), {}]]


def run(model: Model, sampler: str = "euler", **latent: Any) -> Any:
    settings: dict[str, Any] = {"seed": 5, "steps": STEPS, "cfg": 3.0, "sampler_name": sampler, "scheduler": "normal"}
    empty = {"samples": torch.zeros(2, 4, 8, 12), **latent}
    return ksampler(model, **settings, positive=prompt(1), negative=prompt(2), latent_image=empty)


def sampled(model: Model, sampler: str = "euler", **latent: Any) -> Tensor:
    return alone(run(model, sampler, **latent))["samples"]


def deep(model: Model, interval: int = 3, first: int = 9) -> Model:
    return replace(model, hooks=replace(model.hooks, deep=DeepCache(interval, first, 0.0, 1.0)))


def piece(model: Model, x: Tensor, sigma: float = 3.0, **more: Any) -> Piece:
    unet: Any = model.family
    shape = unet.recognised.unet
    extras = model.extras({"pooled_output": torch.ones(1, 32), "role": "positive"}, x, None)
    return Piece(model, x, torch.full((len(x),), sigma), noise(1, 77, shape.context), extras, **more)


@pytest.mark.parametrize(("family", "first"), [("sd15", 11), ("sd15", 9), ("sd15", 6), ("sd15", 1), ("sdxl", 7)])
def test_a_call_that_reuses_is_the_whole_network_with_its_deep_state_replaced(
    family: str, first: int, tiny: Tiny
) -> None:
    model, x, later = deep(tiny(family).model, 3, first), noise(2, 4, 8, 12), noise(2, 4, 8, 12, seed=2)
    kept, seen = Kept(), list[Tensor]()
    tiled_predictions([piece(model, x, keeps=kept)])

    def replaced(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block == Block("output", first):
            seen.append(h)
            h = seen[0]
        return h, skip

    reference = tiny(family).model.hooked((replaced,))
    tiled_predictions([piece(reference, x)])
    (wanted,) = tiled_predictions([piece(reference, later, 2.5)])
    (made,) = tiled_predictions([piece(model, later, 2.5, reuses=kept)])
    assert torch.equal(made, wanted)
    assert not torch.allclose(made, tiled_predictions([piece(model, later, 2.5)])[0], atol=1e-3)


def test_what_is_kept_of_tiles_batches_and_controls_is_found_again(model: Model, tmp_path: Any) -> None:
    """Reused at the same x and sigma, it makes the same prediction."""
    net = load_control_net(make_tiny_control(tmp_path / "net.safetensors"))
    hint = torch.rand(1, 96, 160, 3, generator=torch.Generator().manual_seed(3))
    tiled = replace(model, hooks=replace(model.hooks, tiling=Tiling(8, 12, 4, 2)))
    asked = [
        piece(deep(tiled), noise(2, 4, 12, 20)),
        piece(deep(tiled), noise(3, 4, 12, 20, seed=2), control=Control(net, hint)),
        piece(deep(model), noise(1, 4, 12, 20, seed=3)),
    ]
    kept = [Kept() for _ in asked]
    whole = tiled_predictions([replace(each, keeps=into) for each, into in zip(asked, kept, strict=True)])
    again = tiled_predictions([replace(each, reuses=of) for each, of in zip(asked, kept, strict=True)])
    for wanted, made in zip(whole, again, strict=True):
        assert torch.allclose(made, wanted, atol=1e-5)


def test_an_interval_of_one_changes_no_bit(model: Model) -> None:
    before = sampled(model)
    assert node(model, 1) is model
    assert torch.equal(sampled(deep(model, 1)), before)
    assert torch.equal(sampled(node(model, 3, start_percent=1.0)), before)
    assert torch.equal(sampled(model), before)


def test_one_call_in_so_many_is_whole(model: Model) -> None:
    counting, calls = counted(model)
    made = sampled(deep(counting, 3))
    assert len(calls) == 3  # of seven: the first, the fourth and the last

    asked, state = list[int](), list[Tensor]()

    def replaced(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block == Block("output", 9):
            if len(asked) % 3 == 0:
                state[:] = [h]
            asked.append(1)
            h = state[0]
        return h, skip

    assert torch.equal(made, sampled(model.hooked((replaced,))))


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m_sde"])
def test_a_run_that_is_resumed_ends_with_the_same_bits(sampler: str, model: Model) -> None:
    cached = easy_cache(deep(model), 0.05, 0.0, 1.0)
    mask = torch.zeros(1, 8, 12)
    mask[:, :4] = 1
    told, end = driven(run(cached, sampler, noise_mask=mask, samples=noise(2, 4, 8, 12)))
    for kept in (1, 2, 3, 5):
        asked = run(cached, sampler, noise_mask=mask, samples=noise(2, 4, 8, 12))
        _, again = driven(asked, [answer for _, answer in told[:kept]])
        assert torch.equal(again, end)


def test_runs_side_by_side_reuse_what_each_would_alone(model: Model) -> None:
    cached = deep(model)
    asked = [lambda: run(cached), lambda: run(cached, "heun"), lambda: run(model)]
    jobs = [Job(ask()) for ask in asked]
    ended = {id(job): made["samples"] for job, made in sample_together(jobs, answer_together)}
    for job, ask in zip(jobs, asked, strict=True):
        assert torch.allclose(ended[id(job)], alone(ask())["samples"], atol=2e-2)


def test_a_call_that_asks_other_entries_or_hooks_than_the_whole_one_is_whole(model: Model) -> None:
    seen: list[int] = []

    def watch(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block.part == "middle":
            seen.append(len(h))
        return h, skip

    model = model.hooked((watch,))
    positive: Any = [[noise(1, 77, 32), {}], [noise(1, 77, 32, seed=4), {"start_percent": 0.5}]]
    settings: dict[str, Any] = {"seed": 5, "steps": STEPS, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal"}
    empty = {"samples": torch.zeros(1, 4, 8, 12)}
    alone(ksampler(deep(model, 100), **settings, positive=positive, negative=prompt(2), latent_image=empty))
    assert seen == [1, 2]


def test_calls_in_tiles_that_move_are_whole(model: Model) -> None:
    counting, calls = counted(model)
    tiled = replace(counting, hooks=replace(counting.hooks, tiling=Tiling(8, 8, 0, 8, moves=True)))
    assert sampled(deep(tiled)).isfinite().all()
    assert len(calls) == STEPS


def test_guidance_by_a_further_prediction_is_reused_too_and_one_that_watches_is_refused(model: Model) -> None:
    counting, calls = counted(model)
    made = sampled(deep(perturbed_attention_guidance(counting, 2.0), 100))
    assert made.isfinite().all()
    assert len(calls) == 2  # both prompts together, and the perturbed one
    with pytest.raises(ValueError, match="Self-Attention Guidance 0 has to see the deep blocks at every step"):
        sampled(deep(self_attention_guided(model)))


def test_the_quality_says_how_many_blocks_every_call_computes_and_a_depth_goes_before_it(tiny: Tiny) -> None:
    sd15, sdxl = tiny("sd15").model, tiny("sdxl").model  # twelve blocks and nine
    first = [deep_cache(sd15, 2, quality, 0, 0.0, 1.0).first for quality in ("fast", "balanced", "high")]
    assert first == [11, 9, 6]
    assert [deep_cache(sdxl, 2, quality, 0, 0.0, 1.0).first for quality in ("fast", "balanced", "high")] == [8, 6, 3]
    assert deep_cache(sd15, 2, "fast", 5, 0.0, 1.0).first == 7
    with pytest.raises(ValueError, match="cache_depth is 12, and this sd15 model has 12 input blocks: it should be 11"):
        deep_cache(sd15, 2, "fast", 12, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"DeepCache from 0\.9 to 0\.2 of the way"):
        node(sd15, start_percent=0.9, end_percent=0.2)
