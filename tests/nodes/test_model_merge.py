"""The merging nodes mix what their widgets say, and are run by the engine with the names that they publish."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.app import start
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.model import Model
from engine.run.events import RunFinished
from engine.settings import Settings
from nodes.clip_merge import clip_merge_add, clip_merge_simple, clip_merge_subtract
from nodes.model_merge import model_merge_add, model_merge_blocks, model_merge_simple, model_merge_subtract
from nodes.model_merge_layers import SD1, SDXL, model_merge_sd1, model_merge_sd2, model_merge_sdxl
from tests.tiny.checkpoints import make_other_checkpoint, make_tiny_checkpoint, other_tensors, tiny_tensors

CONV = "conv_in.weight"
DEEP = "up_blocks.3.resnets.2.conv2.bias"  # output_blocks.11.0.out_layers.3.bias
FC1 = "text_model.encoder.layers.1.mlp.fc1.weight"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkpoint, Checkpoint]:
    folder = tmp_path_factory.mktemp("merge")
    first, second = make_tiny_checkpoint(folder / "a.safetensors"), make_other_checkpoint(folder / "b.safetensors")
    return load_checkpoint(first), load_checkpoint(second)


def ratio(made: Model, pair: tuple[Checkpoint, Checkpoint], name: str) -> float:
    """How much of the first model a merged weight holds."""
    first, second = (each.model.network.state_dict()[name] for each in pair)
    changed: Tensor = made.patched.state_dict()[name]
    return round((((changed - second) * (first - second)).sum() / (first - second).square().sum()).item(), 3)


def test_one_ratio_for_all(pair: tuple[Checkpoint, Checkpoint]) -> None:
    made = model_merge_simple(pair[0].model, pair[1].model, 0.7)
    assert ratio(made, pair, CONV) == ratio(made, pair, DEEP) == 0.7
    assert model_merge_simple(pair[0].model, pair[1].model) is pair[0].model


def test_a_ratio_for_each_part(pair: tuple[Checkpoint, Checkpoint]) -> None:
    made = model_merge_blocks(pair[0].model, pair[1].model, 0.2, 0.5, 0.8)
    found = [ratio(made, pair, name) for name in (CONV, "mid_block.resnets.1.conv1.weight", DEEP)]
    assert found == [0.2, 0.5, 0.8]


def test_adding_a_difference_leads_to_the_other_model(pair: tuple[Checkpoint, Checkpoint]) -> None:
    first, second = (each.model for each in pair)
    made = model_merge_add(first, model_merge_subtract(second, first, 0.5))
    assert ratio(made, pair, CONV) == ratio(made, pair, DEEP) == 0.5


@pytest.mark.parametrize("merged", [model_merge_sd1, model_merge_sd2])
def test_a_ratio_for_each_block(pair: tuple[Checkpoint, Checkpoint], merged: Callable[..., Model]) -> None:
    wanted = dict.fromkeys(SD1, 1.0) | {"input_blocks.0.": 0.1, "output_blocks.11.": 0.9, "out.": 0.4}
    made = merged(pair[0].model, pair[1].model, **wanted)
    assert [ratio(made, pair, name) for name in (CONV, DEEP, "conv_out.weight")] == [0.1, 0.9, 0.4]
    assert ratio(made, pair, "time_embedding.linear_2.weight") == 1.0


def test_the_blocks_of_sdxl_are_nine_and_nine(tmp_path: Path) -> None:
    first = load_checkpoint(make_tiny_checkpoint(tmp_path / "a.safetensors", "sdxl"))
    second = load_checkpoint(make_other_checkpoint(tmp_path / "b.safetensors", "sdxl"))
    wanted = dict.fromkeys(SDXL, 1.0) | {"label_emb.": 0.3, "output_blocks.8": 0.6}
    made = model_merge_sdxl(first.model, second.model, **wanted)
    names = ("add_embedding.linear_1.weight", "up_blocks.2.resnets.2.conv1.weight", CONV)
    assert [ratio(made, (first, second), name) for name in names] == [0.3, 0.6, 1.0]


def test_text_encoders(pair: tuple[Checkpoint, Checkpoint]) -> None:
    one, other = pair[0].clip, pair[1].clip
    assert one is not None
    assert other is not None
    first, second = (each.towers["l"].network.state_dict()[FC1].float() for each in (one, other))
    for made, wanted in (
        (clip_merge_simple(one, other, 0.25), 0.25 * first + 0.75 * second),
        (clip_merge_add(one, other), first + second),
        (clip_merge_subtract(one, other, -2.0), 2 * second - 2 * first),
    ):
        torch.testing.assert_close(made.towers["l"].patched.state_dict()[FC1].float(), wanted, rtol=2e-3, atol=2e-3)
    assert clip_merge_simple(one, other) is one


def test_a_checkpoint_without_text_encoders_is_told(pair: tuple[Checkpoint, Checkpoint]) -> None:
    there, nothing = cast(Any, pair[0].clip), cast(Any, None)
    with pytest.raises(ValueError, match="there is no text encoder on the clip input"):
        clip_merge_simple(there, nothing, 0.5)


def test_a_workflow_merges_by_the_published_names_and_saves_the_mixture(tmp_path: Path) -> None:
    checkpoints = tmp_path / "models" / "checkpoints"
    make_tiny_checkpoint(checkpoints / "a.safetensors")
    make_other_checkpoint(checkpoints / "b.safetensors")
    ratios = dict.fromkeys(SD1, 1.0) | {"out.": 0.25}
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "b.safetensors"}},
        "3": {"class_type": "ModelMergeSD1", "inputs": {"model1": ["1", 0], "model2": ["2", 0], **ratios}},
        "4": {"class_type": "ModelSave", "inputs": {"model": ["3", 0], "filename_prefix": "merged"}},
    }
    (tmp_path / "merge.json").write_text(json.dumps(graph), "utf-8")
    app = start(Settings(base=tmp_path, device="cpu", precision="fp32"))
    asked = app.read(tmp_path / "merge.json")
    verdict = app.check(asked.graph)
    assert not verdict.node_errors
    happened = list(app.run(verdict, asked.extra_data))
    assert isinstance(happened[-1], RunFinished), happened[-1]
    saved = load_file(tmp_path / "output" / "merged_00001_.safetensors")
    one, other = tiny_tensors(), other_tensors()
    first, last = (f"model.diffusion_model.{name}.weight" for name in ("input_blocks.0.0", "out.2"))
    assert torch.equal(saved[first].float(), one[first].float())
    torch.testing.assert_close(saved[last].float(), 0.25 * one[last].float() + 0.75 * other[last].float())
