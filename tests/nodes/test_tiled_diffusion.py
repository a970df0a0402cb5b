"""TiledDiffusion paints a latent larger than its tiles, and one that fits a tile as ever."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.model import Model
from nodes.sample import ksampler
from nodes.tiled_diffusion import tiled_diffusion

pytestmark = pytest.mark.usefixtures("inference")


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(seed)), {}]]


def sampled(model: Model) -> Tensor:
    settings: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    empty = {"samples": torch.zeros(1, 4, 16, 24)}
    return alone(ksampler(model, **settings, positive=prompt(1), negative=prompt(2), latent_image=empty))["samples"]


def test_sides_are_pixels_and_one_tile_is_the_plain_run(model: Model) -> None:
    whole = sampled(model)
    assert torch.equal(sampled(tiled_diffusion(model)), whole)
    made = [
        sampled(tiled_diffusion(model, method, 128, 96, 32, 8))
        for method in ("MultiDiffusion", "Mixture of Diffusers", "SpotDiffusion")
    ]
    assert not torch.allclose(made[0], whole, atol=1e-3)
    assert not any(torch.allclose(one, other, atol=1e-3) for one, other in pairwise(made))
    tiling = tiled_diffusion(model, "MultiDiffusion", 128, 96, 32, 8).hooks.tiling
    assert tiling is not None
    assert (tiling.width, tiling.height, tiling.overlap, tiling.together) == (16, 12, 4, 8)


def test_an_overlap_as_wide_as_a_tile_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match=r"tile_overlap is 512 and tiles are 768 x 512 pixels: .* smaller"):
        tiled_diffusion(model, "MultiDiffusion", 768, 512, 512)
