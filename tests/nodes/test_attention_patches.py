"""Nodes that patch attention and sizes: each changes what is sampled, leaves its model alone, and joins with others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.calls import Piece, predictions
from engine.diffusion.drive import alone
from engine.diffusion.lora import add_lora
from engine.diffusion.model import Model
from engine.weights.lora import read_lora
from nodes import attention_patches as nodes
from nodes.sample import ksampler
from tests.tiny.loras import make_tiny_lora

pytestmark = pytest.mark.usefixtures("inference")
EMPTY: dict[str, Any] = {"samples": torch.zeros(1, 4, 16, 24)}


def shrunk(model: Model, block: int = 3, **settings: Any) -> Model:
    methods: dict[str, Any] = {"downscale_method": "bicubic", "upscale_method": "bilinear"}
    return nodes.patch_model_add_downscale(model, block, **settings, **methods)


PATCHES: tuple[Callable[[Model], Model], ...] = (
    lambda model: nodes.hyper_tile(model, tile_size=32),
    lambda model: nodes.tome_patch_model(model, 0.5),
    lambda model: shrunk(model, 1),
)
SAME: tuple[Callable[[Model], Model], ...] = (
    lambda model: nodes.hyper_tile(model, tile_size=2048),
    lambda model: nodes.tome_patch_model(model, 0.0),
    lambda model: shrunk(model, downscale_factor=1.0),
    lambda model: shrunk(model, start_percent=0.9, end_percent=0.2),
)


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(seed)), {}]]


def sampled(model: Model, steps: int = 1) -> Tensor:
    settings: dict[str, Any] = {"seed": 5, "steps": steps, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    run = ksampler(model, **settings, positive=prompt(1), negative=prompt(2), latent_image=EMPTY)
    return alone(run)["samples"]


@pytest.mark.parametrize("patch", PATCHES)
def test_a_patched_model_samples_otherwise_and_the_first_one_as_before(
    patch: Callable[[Model], Model], model: Model
) -> None:
    before, patched = sampled(model), sampled(patch(model))
    assert patched.isfinite().all()
    assert not torch.allclose(patched, before, atol=1e-4)
    assert torch.equal(sampled(model), before)
    assert torch.equal(sampled(patch(model)), patched)


@pytest.mark.parametrize("patch", SAME)
def test_settings_that_ask_for_nothing_change_no_bit(patch: Callable[[Model], Model], model: Model) -> None:
    assert torch.equal(sampled(patch(model), 2), sampled(model, 2))


@pytest.mark.parametrize("patch", PATCHES)
def test_prompts_that_share_a_call_get_what_each_gets_alone(patch: Callable[[Model], Model], model: Model) -> None:
    patched = patch(model).at(10.0)
    generator = torch.Generator().manual_seed(4)
    pieces = [
        Piece(patched, torch.randn(2, 4, 16, 24, generator=generator), torch.full((2,), 10.0), prompt(seed)[0][0], {})
        for seed in (1, 2)
    ]
    together = predictions(pieces)
    for piece, x0 in zip(pieces, together, strict=True):
        assert torch.allclose(predictions([piece])[0], x0, atol=1e-4)


@pytest.mark.parametrize("patch", PATCHES)
def test_a_lora_is_put_on_a_patched_model_as_on_any(
    patch: Callable[[Model], Model], model: Model, tmp_path: Path
) -> None:
    lora = read_lora(make_tiny_lora(tmp_path / "lora.safetensors"))
    one, other = (add_lora(patch(model), None, lora, 1.0, 0.0)[0], patch(add_lora(model, None, lora, 1.0, 0.0)[0]))
    assert torch.equal(sampled(one), sampled(other))
    assert not torch.allclose(sampled(one), sampled(patch(model)), atol=1e-4)


def test_a_range_of_the_way_ends_where_it_is_said(model: Model) -> None:
    patched = shrunk(model, start_percent=0.2, end_percent=0.5)
    levels = model.levels
    assert patched.at(levels.at_percent(0.1)).hooks.blocks == ()
    assert len(patched.at(levels.at_percent(0.35)).hooks.blocks) == 1
    assert patched.at(levels.at_percent(0.35)) is patched.at(levels.at_percent(0.3))
    assert patched.at(levels.at_percent(0.6)) is patched
