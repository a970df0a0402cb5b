"""The loader nodes find files in their folders, read each once, and say what they cannot load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.diffusion.parameterisation import EPSILON, V
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import load
from tests.tiny.checkpoints import make_tiny_checkpoint, tiny_text_encoder


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


def test_a_checkpoint_is_read_once_and_its_parts_can_be_loaded_one_by_one(disk: Folders) -> None:
    made = make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    whole = load.checkpoint_loader_simple("sd15.safetensors")
    assert load.checkpoint_loader_simple("sd15.safetensors").model is whole.model
    assert whole.clip is not None
    assert whole.vae is not None

    tensors = load_file(made)
    for folder, prefix in (("diffusion_models", "model.diffusion_model."), ("vae", "first_stage_model.")):
        (disk.models / folder).mkdir()
        part = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        save_file(part, disk.models / folder / "part.safetensors")
    model = load.unet_loader("part.safetensors", "default")
    vae = load.vae_loader("part.safetensors")
    weights = whole.model.network.state_dict()
    assert all(torch.equal(each, weights[name]) for name, each in model.network.state_dict().items())
    latent = torch.ones(1, 4, 2, 2)
    assert torch.equal(vae.decode(latent), whole.vae.decode(latent))
    in_eight_bits = load.unet_loader("part.safetensors", "fp8_e5m2")
    assert torch.float8_e5m2 in {each.dtype for each in in_eight_bits.network.parameters()}


def test_text_encoders_are_loaded_alone_or_as_sdxls_pair(disk: Folders) -> None:
    folder = disk.models / "text_encoders"
    folder.mkdir(parents=True)
    save_file(tiny_text_encoder(layers=12), folder / "l.safetensors")
    save_file(tiny_text_encoder(layers=32), folder / "g.safetensors")
    assert load.clip_loader("l.safetensors", "stable_diffusion", "cpu").layout.name == "sd1"
    assert load.dual_clip_loader("g.safetensors", "l.safetensors", "sdxl").layout.name == "sdxl"
    with pytest.raises(ValueError, match="type 'flux' cannot be loaded today; the type 'sdxl' can"):
        load.dual_clip_loader("g.safetensors", "l.safetensors", "flux")


def test_a_training_configuration_decides_what_the_network_predicts(disk: Folders) -> None:
    make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    configs = disk.models / "configs"
    configs.mkdir()
    (configs / "v.yaml").write_text('model: {params: {parameterization: "v"}}')
    (configs / "plain.yaml").write_text("model: {params: {}}")
    (configs / "odd.yaml").write_text("- nothing")
    assert load.checkpoint_loader("v.yaml", "sd15.safetensors").model.parameterisation == V
    assert load.checkpoint_loader("plain.yaml", "sd15.safetensors").model.parameterisation == EPSILON
    with pytest.raises(ValueError, match=r"odd\.yaml is no training configuration"):
        load.checkpoint_loader("odd.yaml", "sd15.safetensors")


def test_a_folder_of_diffusers_is_loaded_by_its_name(disk: Folders) -> None:
    make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    whole = load.checkpoint_loader_simple("sd15.safetensors")
    folder = disk.models / "diffusers" / "mine" / "unet"
    folder.mkdir(parents=True)
    (folder.parent / "model_index.json").write_text("{}")
    save_file(whole.model.network.state_dict(), folder / "diffusion_pytorch_model.safetensors")
    loaded = load.diffusers_loader("mine")
    assert loaded.clip is None
    assert loaded.vae is None
    weights = whole.model.network.state_dict()
    assert all(torch.equal(each, weights[name]) for name, each in loaded.model.network.state_dict().items())


def test_a_name_that_is_not_there_says_where_it_was_looked_for(disk: Folders) -> None:
    make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    with pytest.raises(FileNotFoundError, match=r"close: 'sd15\.safetensors'"):
        load.checkpoint_loader_simple("sd15.safetensor")


def test_a_pickle_in_the_folder_is_refused(disk: Folders) -> None:
    path: Path = disk.models / "checkpoints" / "old.ckpt"
    path.parent.mkdir(parents=True)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ValueError, match=r"old\.ckpt: is a pickled checkpoint.*--allow-pickle"):
        load.checkpoint_loader_simple("old.ckpt")
