"""Painted masks reach the sampler on every way there is: what was not painted on comes out as it went in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.vae import Vae
from engine.weights.folders import Folders
from nodes.inpaint import inpaint_model_conditioning, set_latent_noise_mask, vae_encode_for_inpaint
from nodes.load_image import load_image
from nodes.model_patches import differential_diffusion
from nodes.sample import ksampler
from nodes.vae import vae_encode
from tests.tiny.checkpoints import make_tiny_checkpoint

pytestmark = pytest.mark.usefixtures("inference")
SIDE, CELLS = 64, 8
Ready = tuple[Any, Any, Any, dict[str, Any]]
"""A model, both prompts, and a latent."""


@pytest.fixture(scope="module", params=["sd15", "inpaint"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A model of the usual kind, and one that is shown the hole."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    return load_checkpoint(make_tiny_checkpoint(path, request.param))


@pytest.fixture
def painted(disk: Folders) -> tuple[Tensor, Tensor]:
    """A picture and its mask, out of a file as the mask editor keeps it: painted parts are transparent."""
    pixels = np.random.default_rng(4).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    pixels[:, : SIDE // 2, 3] = 0  # the left half is painted on
    Image.fromarray(pixels).save(disk.input / "painted.png")
    return load_image("painted.png")


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, 32, generator=torch.Generator().manual_seed(seed)), {}]]


def vae_of(loaded: Checkpoint) -> Vae:
    assert loaded.vae is not None
    return loaded.vae


def by_noise_mask(loaded: Checkpoint, image: Tensor, mask: Tensor) -> Ready:
    latent = set_latent_noise_mask(vae_encode(image, vae_of(loaded)), mask)
    return loaded.model, prompt(1), prompt(2), latent


def by_encoding(loaded: Checkpoint, image: Tensor, mask: Tensor) -> Ready:
    return loaded.model, prompt(1), prompt(2), vae_encode_for_inpaint(image, vae_of(loaded), mask, 0)


def by_conditioning(loaded: Checkpoint, image: Tensor, mask: Tensor) -> Ready:
    made = inpaint_model_conditioning(prompt(1), prompt(2), vae_of(loaded), image, mask, True)
    return loaded.model, made.positive, made.negative, made.latent


def by_difference(loaded: Checkpoint, image: Tensor, mask: Tensor) -> Ready:
    model, positive, negative, latent = by_conditioning(loaded, image, mask)
    return differential_diffusion(model), positive, negative, latent


def changes(ready: Ready) -> Tensor:
    """How much two steps change each cell of a latent; all its channels together."""
    model, positive, negative, latent = ready
    run = ksampler(
        model,
        seed=3,
        steps=2,
        cfg=2.0,
        sampler_name="euler",
        scheduler="normal",
        positive=positive,
        negative=negative,
        latent_image=latent,
    )
    return (alone(run)["samples"] - latent["samples"]).abs().amax(1)[0]


@pytest.mark.parametrize("way", [by_noise_mask, by_encoding, by_conditioning], ids=lambda way: way.__name__)
def test_only_what_was_painted_on_is_sampled(
    loaded: Checkpoint, painted: tuple[Tensor, Tensor], way: Callable[..., Ready]
) -> None:
    changed = changes(way(loaded, *painted))
    assert changed.shape == (CELLS, CELLS)
    assert changed[:, CELLS // 2 :].max() < 1e-4
    assert changed[:, : CELLS // 2].min() > 0.01


def test_what_was_not_painted_on_changes_last_and_least_with_differential_diffusion(
    loaded: Checkpoint, painted: tuple[Tensor, Tensor]
) -> None:
    changed = changes(by_difference(loaded, *painted))
    assert changed[:, CELLS // 2 :].mean() < changed[:, : CELLS // 2].mean() / 2
