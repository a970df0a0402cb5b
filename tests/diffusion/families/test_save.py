"""What is saved loads again, with the same bytes of weights."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from engine.device.place import Placement
from engine.diffusion.families import load, save
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.parameterisation import V
from engine.node.declare import describe
from engine.weights import folders
from engine.weights.folders import Folders
from nodes import save_model
from nodes.load import checkpoint_loader_simple
from tests.tiny.checkpoints import tiny_text_encoder

Tiny = Callable[[str], Checkpoint]
Files = Callable[[str], Path]


@pytest.mark.parametrize("family", ["sd15", "sd2v", "sdxlz", "sdxledm", "playground", "refiner", "vega"])
def test_a_checkpoint_is_saved_with_the_tensors_it_was_loaded_from(
    family: str, tiny: Tiny, tiny_file: Files, tmp_path: Path
) -> None:
    checkpoint = tiny(family)
    path = tmp_path / "saved.safetensors"
    save.write(path, save.checkpoint_tensors(checkpoint.model, checkpoint.clip, checkpoint.vae), {})
    before, after = load_file(tiny_file(family)), load_file(path)
    assert before.keys() == after.keys()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


def test_a_model_saved_as_it_was_altered_is_recognised_so(tiny: Tiny, tmp_path: Path) -> None:
    model = replace(tiny("sdxl").model, parameterisation=V, levels=DiscreteLevels(zero_terminal=True))
    save.write(tmp_path / "v.safetensors", save.checkpoint_tensors(model), {})
    again = load.load_diffusion_model(tmp_path / "v.safetensors", Placement())
    assert again.parameterisation == V
    assert again.levels == DiscreteLevels(zero_terminal=True)


def test_weights_that_do_not_fit_into_sixteen_bits_are_saved_in_full(tiny: Tiny, tmp_path: Path) -> None:
    vae = tiny("sd15").vae
    assert vae is not None
    tensors = save.vae_tensors(vae)
    assert {each.dtype for each in tensors.values()} == {torch.float16}
    module = load.load_vae(_written(tmp_path / "half.safetensors", tensors), Placement()).module
    with torch.no_grad():
        next(module.parameters()).add_(1e-7)
    wide = save.vae_tensors(type(vae)(module))
    assert {each.dtype for each in wide.values()} == {torch.float32}


def test_text_encoders_saved_alone_load_as_a_pair_in_any_order(tmp_path: Path) -> None:
    small = _written(tmp_path / "l.safetensors", tiny_text_encoder(layers=12))
    large = _written(tmp_path / "g.safetensors", tiny_text_encoder(layers=31))
    clip = load.load_text_encoders([large, small], Placement())
    assert clip.layout.name == "sdxl"
    assert len(load_file(large)) == len(save.text_tensors(clip, "g"))
    assert load.load_text_encoders([small], Placement()).layout.name == "sd1"
    assert load.load_text_encoders([large], Placement()).layout.name == "refiner"
    with pytest.raises(ValueError, match="SDXL wants one L and one G"):
        load.load_text_encoders([small, small], Placement())


def test_the_nodes_save_below_the_output_folder_with_the_prompt(tiny: Tiny, tmp_path: Path) -> None:
    before = folders.current()
    folders.use(Folders.under(tmp_path))
    try:
        found = tiny("sd15")
        assert found.clip is not None
        assert found.vae is not None
        prompt, extra = {"1": {"class_type": "X"}}, {"workflow": {"nodes": []}}
        save_model.checkpoint_save(found.model, found.clip, found.vae, "mine/a", prompt, extra)
        save_model.model_save(found.model, "b")
        save_model.vae_save(found.vae, "c")
        save_model.clip_save(found.clip, "d")
        save_model.clip_save(found.clip, "d")
        made = {path.relative_to(tmp_path / "output").as_posix() for path in tmp_path.rglob("*.safetensors")}
        names = {"mine/a_00001_", "b_00001_", "c_00001_", "d_00001_", "d_00002_"}
        assert made == {f"{name}.safetensors" for name in names}
        with safe_open(tmp_path / "output/mine/a_00001_.safetensors", "pt") as file:
            assert json.loads(file.metadata()["prompt"]) == prompt
            assert json.loads(file.metadata()["workflow"]) == extra["workflow"]
        folders.current().add("checkpoints", tmp_path / "output" / "mine")
        again = checkpoint_loader_simple("a_00001_.safetensors")
        weights, loaded = found.model.network.state_dict(), again.model.network.state_dict()
        assert all(torch.equal(weights[name], loaded[name]) for name in weights)
        assert checkpoint_loader_simple("a_00001_.safetensors").model is again.model  # read once
    finally:
        folders.use(before)


def test_saving_nodes_are_outputs() -> None:
    nodes = (save_model.checkpoint_save, save_model.model_save, save_model.vae_save, save_model.clip_save)
    assert all(describe(node).is_output for node in nodes)


def _written(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save.write(path, tensors, {})
    return path
