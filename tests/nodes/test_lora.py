"""The LoRA nodes find their files, read each once, and give back what they were given where nothing is asked."""

from collections.abc import Iterator
from typing import cast

import pytest
import torch

from engine.diffusion.text.clip import Clip
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import load, lora
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.loras import make_tiny_lora, tiny_lora


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


@pytest.fixture
def loaded(disk: Folders) -> load.Loaded:
    make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    make_tiny_lora(disk.models / "loras" / "some.safetensors")
    return load.checkpoint_loader_simple("sd15.safetensors")


def test_a_lora_is_put_on_a_model_and_its_text_encoder(loaded: load.Loaded) -> None:
    assert loaded.clip is not None
    model, clip = lora.lora_loader(loaded.model, loaded.clip, "some.safetensors", 0.8, 0.5)
    assert clip is not None
    assert {patch.strength for patch in model.patches} == {0.8}
    assert {patch.strength for patch in clip.towers["l"].patches} == {0.5}
    tokens = clip.tokenize("a fox")
    assert not torch.equal(clip.encode(tokens).cond, loaded.clip.encode(tokens).cond)
    again = lora.lora_loader_model_only(loaded.model, "some.safetensors", 0.8)
    assert again.patches == model.patches


def test_at_strength_zero_both_are_given_back_and_no_file_is_read(loaded: load.Loaded, disk: Folders) -> None:
    (disk.models / "loras" / "some.safetensors").write_bytes(b"nothing")
    assert loaded.clip is not None
    model, clip = lora.lora_loader(loaded.model, loaded.clip, "some.safetensors", 0.0, 0.0)
    assert model is loaded.model
    assert clip is loaded.clip
    assert lora.lora_loader_model_only(loaded.model, "some.safetensors", 0.0) is loaded.model


def test_a_checkpoint_without_text_encoders_takes_a_lora_all_the_same(loaded: load.Loaded) -> None:
    model, clip = lora.lora_loader(loaded.model, cast(Clip, None), "some.safetensors")
    assert len(model.patches) == 4
    assert clip is None


def test_nodes_add_up(loaded: load.Loaded, disk: Folders) -> None:
    make_tiny_lora(disk.models / "loras" / "other.safetensors", tiny_lora(seed=1))
    once = lora.lora_loader_model_only(loaded.model, "some.safetensors")
    twice = lora.lora_loader_model_only(once, "other.safetensors", -0.5)
    assert twice.patches[: len(once.patches)] == once.patches
    assert [patch.strength for patch in twice.patches] == [1.0] * 4 + [-0.5] * 4


def test_a_file_that_is_not_there_is_named(loaded: load.Loaded) -> None:
    with pytest.raises(FileNotFoundError, match=r"close: 'some\.safetensors'"):
        lora.lora_loader_model_only(loaded.model, "som.safetensors")
