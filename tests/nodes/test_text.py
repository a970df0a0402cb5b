"""The nodes that encode text, called as functions and compared with what clients are told of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.device.place import Placement
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.towers import LAYOUTS, clip_from_tensors
from engine.node.declare import declared
from nodes import text as nodes
from tests.diffusion.text.tiny_encoder import tiny_tensors


@pytest.fixture(scope="module")
def make_clip() -> Callable[[str], Clip]:
    def make(layout: str) -> Clip:
        towers = {part.tower: tiny_tensors(8, projected=5) for part in LAYOUTS[layout].parts}
        return clip_from_tensors(layout, towers, Placement())

    return make


def test_nodes_are_described_as_workflows_know_them(spec_dir: Path) -> None:
    told = json.loads((spec_dir / "object_info.json").read_text("utf-8"))
    for describe in declared(nodes):
        type_ = describe()
        wanted = told[type_.id]
        assert [each.name for each in type_.inputs] == wanted["input_order"]["required"]
        for each in type_.inputs:
            spelled = wanted["input"]["required"][each.name]
            assert each.type == spelled[0]
            assert dict(each.options) == (spelled[1] if len(spelled) > 1 else {}), (type_.id, each.name)
        assert [each.type for each in type_.outputs] == wanted["output"]
        assert [each.name for each in type_.outputs] == wanted["output_name"]
        assert (type_.category, type_.title) == (wanted["category"], wanted["display_name"])


def test_a_prompt_becomes_one_entry(make_clip: Callable[[str], Clip]) -> None:
    ((cond, settings),) = nodes.clip_text_encode("a (cat:1.2)", make_clip("sd1"))
    assert cond.shape == (1, 77, 8)
    assert settings["pooled_output"].shape == (1, 5)


def test_the_layer_to_stop_at_changes_a_copy(make_clip: Callable[[str], Clip]) -> None:
    clip = make_clip("sd1")
    skipped = nodes.clip_set_last_layer(clip, -2)
    assert (clip.layer, skipped.layer) == (None, -2)
    first, second = nodes.clip_text_encode("cat", clip)[0][0], nodes.clip_text_encode("cat", skipped)[0][0]
    assert not torch.equal(first, second)


def test_sdxl_prompts_carry_sizes(make_clip: Callable[[str], Clip]) -> None:
    clip = make_clip("sdxl")
    ((cond, settings),) = nodes.clip_text_encode_sdxl(clip, 512, 768, 8, 16, 640, 960, text_g="a cat", text_l="dog")
    assert cond.shape == (1, 77, 16)
    assert [settings[key] for key in ("width", "height", "crop_w", "crop_h")] == [512, 768, 8, 16]
    assert [settings[key] for key in ("target_width", "target_height")] == [640, 960]


def test_refiner_prompts_carry_a_score(make_clip: Callable[[str], Clip]) -> None:
    ((_, settings),) = nodes.clip_text_encode_sdxl_refiner(2.5, 512, 768, text="a cat", clip=make_clip("refiner"))
    assert {key: settings[key] for key in ("aesthetic_score", "width", "height")} == {
        "aesthetic_score": 2.5,
        "width": 512,
        "height": 768,
    }


def test_a_checkpoint_without_text_encoder_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="connect the CLIP output of a CLIPLoader"):
        nodes.clip_text_encode("cat", None)  # pyright: ignore[reportArgumentType]
