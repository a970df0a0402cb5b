"""The training nodes: from nothing to a saved model that the ordinary nodes load and sample."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from engine.diffusion.drive import alone
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import load, sample, save_model, text, train, train_lora
from tests.training.toys import Discs

pytestmark = pytest.mark.usefixtures("few_steps_shown")
SIZES: dict[str, Any] = {
    "unet_widths": "32, 64",
    "unet_depths": "1, 0",
    "vae_widths": "32, 32, 32, 32",
    "text_width": 16,
    "text_layers": 1,
}
SHORT: dict[str, Any] = {"steps": 2, "batch": 2, "preview_every": 0}
LONGER: dict[str, Any] = SHORT | {"steps": 3}


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


def test_from_nothing_to_a_model_that_is_loaded_and_sampled(disk: Folders) -> None:
    with torch.inference_mode():  # as a run calls nodes
        fresh = train.new_sd_model(**SIZES, seed=1)
        vae = train.train_vae(fresh.vae, Discs(4), **SHORT, crop=16)
        made = train.train_diffusion(fresh.model, fresh.clip, vae.vae, Discs(4), **SHORT)
        save_model.checkpoint_save(made.model, made.clip, vae.vae, "checkpoints/discs")
        disk.add("checkpoints", disk.output / "checkpoints")
        loaded = load.checkpoint_loader_simple("discs_00001_.safetensors")
        assert loaded.clip is not None
        assert loaded.vae is not None
        words = text.clip_text_encode("a red disc", loaded.clip)
        asking = sample.ksampler(
            loaded.model,
            1,
            2,
            4.0,
            sampler_name="euler",
            scheduler="normal",
            positive=words,
            negative=words,
            latent_image={"samples": torch.zeros(1, 4, 4, 4)},
        )
        latent = alone(asking)["samples"]
        assert torch.isfinite(loaded.vae.decode(latent)).all()
    assert vae.curve.shape[0] == made.curve.shape[0] == 1
    assert json.loads(vae.summary).keys() == {"steps", "minutes", "loss", "psnr"}
    assert json.loads(made.summary)["steps"] == 2


def test_a_named_run_is_kept_and_resumed(disk: Folders) -> None:
    vae = train.new_sd_model(**SIZES).vae
    first = train.train_vae(vae, Discs(4), **SHORT, checkpoint="discs vae")
    assert (disk.output / "training" / "discs vae.safetensors").exists()
    longer = train.train_vae(vae, Discs(4), **LONGER, checkpoint="discs vae")
    assert json.loads(first.summary)["steps"] == 2
    assert json.loads(longer.summary)["steps"] == 3


def test_a_trained_lora_is_saved_and_on_the_model(disk: Folders) -> None:
    fresh = train.new_sd_model(**SIZES)
    made = train_lora.train_lora(fresh.model, fresh.clip, fresh.vae, Discs(4), "loras/ink", **SHORT, rank=2)
    assert (disk.output / "loras" / "ink_00001_.safetensors").exists()
    assert made.model.patches
    assert fresh.model.patches == ()


def test_a_name_that_leads_out_of_the_folder_is_refused(disk: Folders) -> None:
    vae = train.new_sd_model(**SIZES).vae
    with pytest.raises(ValueError, match="leads out of output/training"):
        train.train_vae(vae, Discs(4), **SHORT, checkpoint="../elsewhere")


def test_widths_that_are_no_numbers_are_named() -> None:
    with pytest.raises(ValueError, match=r"unet_widths is 'wide'; it should be whole numbers"):
        train.new_sd_model(unet_widths="wide")
