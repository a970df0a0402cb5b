"""The node that trains an upscale model writes a file that the loader reads, and gives the same network on."""

import json
from collections.abc import Iterator

import pytest
import torch

from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import train_upscaler, upscale_model
from tests.training.toys import Discs


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


def test_a_trained_upscale_model_is_saved_and_loaded_again(disk: Folders) -> None:
    with torch.inference_mode():  # as a run calls nodes
        trained = train_upscaler.train_upscaler(
            Discs(4), scale="4", num_feat=8, num_conv=1, crop=16, steps=2, batch=2, preview_every=1, checkpoint="up"
        )
    assert (disk.output / "training" / "up.safetensors").exists()
    disk.add("upscale_models", disk.output / "upscale_models")
    loaded = upscale_model.upscale_model_loader("heddle_00001_.safetensors")
    image = torch.rand(1, 6, 5, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = (upscale_model.image_upscale_with_model(each, image) for each in (trained.upscale_model, loaded))
    assert torch.equal(ours, theirs)
    assert ours.shape == (1, 24, 20, 3)
    assert json.loads(trained.summary).keys() == {"steps", "minutes", "loss", "psnr", "psnr_bicubic", "measured"}
    assert trained.curve.shape[0] == 1
