"""Every family loads from its own layout, and what is loaded predicts."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.device.place import Placement
from engine.diffusion.families import load
from engine.diffusion.families.diffusers_folder import load_diffusers_folder
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.levels import DiscreteLevels, EdmLevels
from engine.diffusion.model import Model
from engine.diffusion.parameterisation import EPSILON, V, edm
from engine.weights.read import BadFile
from engine.weights.recognise import Recognised
from tests.tiny.checkpoints import FAMILIES

Tiny = Callable[[str], Checkpoint]
Files = Callable[[str], Path]


def recognised(model: Model) -> Recognised:
    assert isinstance(model.family, StableDiffusion)
    return model.family.recognised


def predict(model: Model, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, 4, 8, 8, generator=generator)
    context = torch.randn(batch, 77, recognised(model).unet.context, generator=generator)
    entry = {"pooled_output": torch.ones(1, 32), "concat_image": torch.zeros(1, 3, 8, 8), "role": "positive"}
    extras = model.family.extras(entry, x, None)
    with torch.no_grad():
        return model.predict(x, torch.linspace(2.0, 1.0, batch), context, extras)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_predicts_finite_latents_of_the_shape_it_was_given(family: str, tiny: Tiny) -> None:
    x0 = predict(tiny(family).model)
    assert x0.shape == (2, 4, 8, 8)
    assert x0.dtype == torch.float32
    assert x0.isfinite().all()


@pytest.mark.parametrize("family", ["sd15", "sd2", "upscaler", "sdxl", "refiner"])
def test_every_family_comes_with_text_encoders_and_an_autoencoder_that_work(family: str, tiny: Tiny) -> None:
    checkpoint = tiny(family)
    assert checkpoint.clip is not None
    assert checkpoint.vae is not None
    encoded = checkpoint.clip.encode(checkpoint.clip.tokenize("a small cat"))
    assert encoded.cond.shape == (1, 77, recognised(checkpoint.model).unet.context)
    pixels = checkpoint.vae.decode(torch.zeros(1, 4, 4, 4))
    side = 4 * checkpoint.model.latent_format.cell
    assert pixels.shape == (1, side, side, 3)


def test_the_kind_of_prediction_and_of_levels_is_told_from_the_tensors(tiny: Tiny) -> None:
    told = {family: (tiny(family).model.parameterisation, tiny(family).model.levels) for family in FAMILIES}
    assert told["sd15"] == (EPSILON, DiscreteLevels())
    assert told["sd2"] == (EPSILON, DiscreteLevels())
    assert told["sd2v"] == (V, DiscreteLevels())
    assert told["upscaler"] == (V, DiscreteLevels(beta_start=0.0001, beta_end=0.02))
    assert told["sdxl"] == (EPSILON, DiscreteLevels())
    assert told["sdxlv"] == (V, DiscreteLevels())
    assert told["sdxlz"] == (V, DiscreteLevels(zero_terminal=True))
    assert told["playground"] == (edm(0.5), EdmLevels(0.002, 80.0))
    prediction, levels = told["sdxledm"]
    assert prediction == V
    assert (levels.sigma_min, levels.sigma_max) == pytest.approx((0.01, 100.0))


def test_each_family_has_the_latent_format_of_its_autoencoder(tiny: Tiny) -> None:
    names = {
        family: tiny(family).model.latent_format.name for family in ("sd15", "sd2", "sdxl", "refiner", "playground")
    }
    assert names == {"sd15": "sd15", "sd2": "sd15", "sdxl": "sdxl", "refiner": "sdxl", "playground": "playground"}


def test_a_file_that_holds_only_the_network_is_a_model(tiny: Tiny, tiny_file: Files, tmp_path: Path) -> None:
    prefix = "model.diffusion_model."
    network = {name.removeprefix(prefix): each for name, each in load_file(tiny_file("sd15")).items() if prefix in name}
    save_file(network, tmp_path / "network.safetensors")
    model = load.load_diffusion_model(tmp_path / "network.safetensors", Placement())
    assert torch.equal(predict(model), predict(tiny("sd15").model))
    assert load.load_checkpoint(tmp_path / "network.safetensors", Placement()).clip is None


def test_a_network_by_diffusers_names_is_the_same_model(tiny: Tiny, tmp_path: Path) -> None:
    for family in ("sd15", "upscaler", "sdxl", "refiner"):
        model = tiny(family).model
        save_file(model.network.state_dict(), tmp_path / f"{family}.safetensors")
        again = load.load_diffusion_model(tmp_path / f"{family}.safetensors", Placement())
        assert recognised(again) == recognised(model)
        assert torch.equal(predict(again), predict(model))


def test_a_folder_of_diffusers_is_the_same_checkpoint_as_its_single_file(tiny: Tiny, tmp_path: Path) -> None:
    single = tiny("sdxl")
    assert single.clip is not None
    assert single.vae is not None
    module: torch.nn.Module = getattr(single.vae, "module")  # noqa: B009 (a protocol without state_dict)
    for part in ("unet", "vae", "text_encoder", "scheduler"):
        (tmp_path / part).mkdir()
    save_file(single.model.network.state_dict(), tmp_path / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    save_file(module.state_dict(), tmp_path / "vae" / "diffusion_pytorch_model.safetensors")
    said = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(json.dumps(said))
    save_file(single.clip.towers["l"].network.state_dict(), tmp_path / "text_encoder" / "model.safetensors")
    loaded = load_diffusers_folder(tmp_path, Placement())
    assert loaded.clip is not None
    assert loaded.clip.layout.name == "sd1"  # only one encoder lies there
    assert loaded.model.levels == DiscreteLevels(zero_terminal=True)
    assert loaded.model.parameterisation == V
    same = replace(loaded.model, parameterisation=EPSILON, levels=DiscreteLevels())
    assert torch.equal(predict(same), predict(single.model))
    assert loaded.vae is not None
    latent = torch.ones(1, 4, 4, 4)
    assert torch.equal(loaded.vae.decode(latent), single.vae.decode(latent))


def test_a_folder_without_a_network_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="unet"):
        load_diffusers_folder(tmp_path, Placement())


def test_narrow_types_give_about_the_same_prediction(tiny: Tiny, tiny_file: Files) -> None:
    exact = predict(tiny("sd2").model)
    placement = Placement(dtype=torch.bfloat16, vae_dtype=torch.bfloat16)
    narrow = load.load_checkpoint(tiny_file("sd2"), placement)
    assert narrow.model.dtype == torch.bfloat16
    assert (predict(narrow.model) - exact).norm() / exact.norm() < 0.05
    assert narrow.vae is not None
    assert narrow.vae.dtype == torch.bfloat16


def test_weights_kept_in_eight_bits_compute_in_the_placements_type(tiny: Tiny, tiny_file: Files) -> None:
    model = load.load_diffusion_model(tiny_file("sd15"), Placement(), storage=torch.float8_e4m3fn)
    kept = {parameter.dtype for parameter in model.network.parameters()}
    assert kept == {torch.float32, torch.float8_e4m3fn}
    assert model.dtype == torch.float32
    exact = predict(tiny("sd15").model)
    assert (predict(model) - exact).norm() / exact.norm() < 0.1


def test_a_missing_tensor_is_named(tiny_file: Files, tmp_path: Path) -> None:
    tensors = load_file(tiny_file("sd15"))
    del tensors["model.diffusion_model.middle_block.1.norm.weight"]
    save_file(tensors, tmp_path / "holed.safetensors")
    with pytest.raises(BadFile, match=r"holed\.safetensors: is incomplete.*middle_block\.1\.norm\.weight"):
        load.load_checkpoint(tmp_path / "holed.safetensors", Placement())


def test_a_tensor_of_another_shape_is_named(tiny_file: Files, tmp_path: Path) -> None:
    tensors = load_file(tiny_file("sd15"))
    name = "model.diffusion_model.middle_block.1.proj_out.bias"
    tensors[name] = torch.zeros(63)
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(BadFile, match=r"proj_out\.bias has the shape \[63\], it should be \[64\]"):
        load.load_checkpoint(tmp_path / "odd.safetensors", Placement())


def test_text_of_another_model_is_refused_in_words(tiny: Tiny) -> None:
    model = tiny("sdxl").model
    x = torch.zeros(1, 4, 8, 8)
    extras = model.family.extras({"pooled_output": torch.zeros(1, 32)}, x, None)
    with pytest.raises(ValueError, match="the text is 32 wide and this sdxl model wants 64"):
        model.predict(x, torch.ones(1), torch.zeros(1, 77, 32), extras)
    with pytest.raises(ValueError, match="wants the pooled text too"):
        model.family.extras({}, x, None)
