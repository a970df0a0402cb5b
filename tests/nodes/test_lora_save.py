"""A LoRA that was extracted does to a model what the difference was made of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.diffusion.lora import add_lora
from engine.diffusion.text.clip import Clip
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.lora import read_lora
from engine.weights.shelf import Shelf
from nodes import clip_merge, load, model_merge
from nodes.lora_save import lora_save
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.loras import RANK, make_tiny_lora

TO_Q = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"
CONV = "mid_block.resnets.0.conv1.weight"
FC1 = "text_model.encoder.layers.1.mlp.fc1.weight"


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


@pytest.fixture
def base(disk: Folders) -> load.Loaded:
    make_tiny_checkpoint(disk.models / "checkpoints" / "base.safetensors")
    return load.checkpoint_loader_simple("base.safetensors")


def differing(base: load.Loaded, folder: Path) -> tuple[Any, Any]:
    """The base with a LoRA on it minus the base: of this rank, and of few modules."""
    assert base.clip is not None
    lora = read_lora(make_tiny_lora(folder / "made.safetensors"))
    model, clip = add_lora(base.model, base.clip, lora, 1.0, 1.0)
    assert clip is not None
    return model_merge.model_merge_subtract(model, base.model), clip_merge.clip_merge_subtract(clip, base.clip)


def weights(clip: Clip | None) -> torch.Tensor:
    assert clip is not None
    return clip.towers["l"].patched.state_dict()[FC1].float()


@pytest.mark.parametrize("kind", ["standard", "full_diff"])
def test_an_extracted_lora_makes_the_same_model(base: load.Loaded, disk: Folders, tmp_path: Path, kind: Any) -> None:
    model_diff, clip_diff = differing(base, tmp_path)
    lora_save("loras/out", RANK, lora_type=kind, model_diff=model_diff, text_encoder_diff=clip_diff)
    path = disk.output / "loras" / "out_00001_.safetensors"
    made, wanted = (
        add_lora(base.model, base.clip, read_lora(file), 1.0, 1.0) for file in (path, tmp_path / "made.safetensors")
    )
    for name in (TO_Q, CONV):
        ours, theirs = (each.patched.state_dict()[name] for each, _ in (made, wanted))
        assert not torch.allclose(theirs, base.model.network.state_dict()[name], atol=1e-2)
        torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(weights(made[1]), weights(wanted[1]), rtol=4e-3, atol=4e-3)


def test_a_file_holds_what_changed_and_nothing_else(base: load.Loaded, disk: Folders, tmp_path: Path) -> None:
    model_diff, _ = differing(base, tmp_path)
    lora_save("only", 1, lora_type="standard", model_diff=model_diff)
    saved = load_file(disk.output / "only_00001_.safetensors")
    assert len(saved) == 8  # four modules of the network
    stem = "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q"
    assert saved[f"{stem}.lora_up.weight"].shape == (64, 1)
    assert saved[f"{stem}.lora_down.weight"].shape == (1, 64)


def test_what_is_no_difference_is_told(base: load.Loaded) -> None:
    with pytest.raises(ValueError, match="nothing to extract a LoRA from: connect the difference of two models"):
        lora_save(lora_type="standard")
    with pytest.raises(ValueError, match="the model is a plain one and no difference: connect"):
        lora_save(lora_type="standard", model_diff=base.model)
    same = model_merge.model_merge_subtract(base.model, base.model)
    with pytest.raises(ValueError, match="the weights are equal: connect"):
        lora_save(lora_type="standard", model_diff=same)
