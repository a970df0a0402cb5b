"""The style nodes find their file, and a picture behind a prompt changes what is sampled."""

from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.model import Model
from engine.weights.folders import Folders
from nodes.clip_vision import clip_vision_encode, clip_vision_loader
from nodes.sample import ksampler
from nodes.style_model import style_model_apply, style_model_loader
from tests.tiny.layouts import WIDTH
from tests.tiny.styles import make_tiny_style
from tests.tiny.visions import make_tiny_vision

pytestmark = pytest.mark.usefixtures("inference")


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, WIDTH, generator=torch.Generator().manual_seed(seed)), {}]]


def sampled(model: Model, positive: Any) -> Tensor:
    settings: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    return alone(ksampler(model, **settings, positive=positive, negative=prompt(2), latent_image=latent))["samples"]


def test_a_style_counts_from_end_to_end(disk: Folders, model: Model) -> None:
    make_tiny_vision(disk.models / "clip_vision" / "eye.safetensors")
    make_tiny_style(disk.models / "style_models" / "style.safetensors")
    picture = torch.rand(1, 32, 32, 3, generator=torch.Generator().manual_seed(1))
    seen = clip_vision_encode(clip_vision_loader("eye.safetensors"), picture, "center")
    style = style_model_loader("style.safetensors")
    assert style_model_loader("style.safetensors") is style
    words = prompt(1)
    ways: list[tuple[float, Literal["multiply", "attn_bias"]]] = [
        (1.0, "multiply"),
        (3.0, "multiply"),
        (3.0, "attn_bias"),
        (0.0, "attn_bias"),
    ]
    made = [sampled(model, style_model_apply(words, style, seen, much, strength_type=how)) for much, how in ways]
    plain = sampled(model, words)
    assert all(each.isfinite().all() for each in made)
    for one, other in ((made[0], plain), (made[1], made[0]), (made[2], made[1])):
        assert not torch.allclose(one, other, atol=1e-4)
    torch.testing.assert_close(made[3], plain, atol=1e-2, rtol=1e-2)
