"""Built-in nodes offer the sockets that workflow files of the ecosystem count on."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from engine.node.declare import declared
from engine.node.spec import NodeType
from engine.weights.folders import BUNDLED

FILES = (
    *("compositing", "image", "image_edit", "inpaint", "latent", "latent_batch", "latent_files", "latent_math"),
    *("load_image", "mask", "primitive", "save_image", "string", "vae"),
    *("conditioning", "custom_sampling", "guiders", "model_patches", "model_sampling", "sample", "samplers"),
    *("clip_merge", "lora", "model_merge", "model_merge_layers", "save_model", "schedule_edits", "schedules"),
    *(
        "attention_patches",
        "caching",
        "clip_vision",
        "style_model",
        "unclip",
        "upscale_diffusion",
        "compile_model",
        "control",
        "guidance_patches",
        "lora_save",
    ),
)
OURS = {path.name for path in BUNDLED.rglob("*.safetensors")}  # the reference's disk held no models
TYPES = [describe() for file in FILES for describe in declared(import_module(f"nodes.{file}"))]


@pytest.fixture(scope="module")
def published(spec_dir: Path) -> dict[str, Any]:
    return json.loads((spec_dir / "object_info.json").read_text("utf-8"))


def inputs(type_: NodeType) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for each in type_.inputs:
        kind = [one for one in each.type if one not in OURS] if isinstance(each.type, (list, tuple)) else each.type
        sections.setdefault(each.section, {})[each.name] = (kind, dict(each.options))
    return sections


def as_published(section: str, said: Any) -> tuple[Any, dict[str, Any]]:
    if section == "hidden":
        return (said if isinstance(said, str) else said[0]), {}
    return said[0], said[1] if len(said) > 1 else {}


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.id)
def test_sockets_and_widgets_are_those_of_the_ecosystem(type_: NodeType, published: dict[str, Any]) -> None:
    theirs = published[type_.id]
    ours = inputs(type_)
    wanted = {
        section: {name: as_published(section, said) for name, said in named.items()}
        for section, named in theirs["input"].items()
        if named
    }
    assert ours == wanted
    for section, named in ours.items():
        assert list(named) == list(wanted[section])
    assert [each.type for each in type_.outputs] == theirs["output"]
    assert [each.name for each in type_.outputs] == theirs["output_name"]
    assert [each.is_list for each in type_.outputs] == theirs["output_is_list"]
    assert type_.title == theirs["display_name"]
    assert type_.category == theirs["category"]
    assert type_.is_output == theirs["output_node"]
    assert type_.experimental == theirs.get("experimental", False)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.id)
def test_every_node_says_in_a_sentence_what_it_does(type_: NodeType) -> None:
    assert type_.description.endswith(".")
