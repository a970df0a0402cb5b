"""Encoders of pictures are read in every layout, and see what the library that trained them would show them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from engine.device.place import Placement
from engine.diffusion.families.vision_files import load_vision
from engine.diffusion.vision import Seen, Vision, prepared
from engine.weights.read import BadFile, open_tensors
from engine.weights.vision_names import read_vision_shape, vision_tensors
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.visions import DEEP, SIGLIP, TINY, in_open_clip_names, make_tiny_vision, tiny_vision

PICTURES = torch.rand(3, 40, 60, 3, generator=torch.Generator().manual_seed(1))
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 1,
    "patch_size": 14,
}


def loaded(path: Path, tensors: dict[str, Tensor]) -> Vision:
    return load_vision(make_tiny_vision(path / "eye.safetensors", tensors), Placement())


def same(one: Seen, other: Seen) -> bool:
    names = ("image_embeds", "last_hidden_state", "penultimate_hidden_states")
    return all(torch.equal(one[name], other[name]) for name in names)


@pytest.mark.parametrize(("shape", "act"), [(TINY, "quick_gelu"), (DEEP, "gelu")])
def test_what_it_says_is_what_the_peer_says(tmp_path: Path, shape: Any, act: str) -> None:
    tensors = tiny_vision(shape)
    config = CLIPVisionConfig(**SIZES, num_hidden_layers=shape.layers, image_size=28, projection_dim=24, hidden_act=act)
    peer: Any = CLIPVisionModelWithProjection(config).eval()
    peer.load_state_dict({name: each.float() for name, each in tensors.items()})
    vision = loaded(tmp_path, tensors)
    seen = vision.encode_image(PICTURES)
    pixels = prepared(PICTURES, 28, vision.mean, vision.std, crop=True)
    with torch.no_grad():
        wanted = peer(pixels, output_hidden_states=True)
    torch.testing.assert_close(seen.image_embeds, wanted.image_embeds)
    torch.testing.assert_close(seen.last_hidden_state, wanted.last_hidden_state)
    torch.testing.assert_close(seen["penultimate_hidden_states"], wanted.hidden_states[-2])


def test_a_siglip_says_what_the_peer_says(tmp_path: Path) -> None:
    tensors = tiny_vision(SIGLIP)
    peer: Any = SiglipVisionModel(SiglipVisionConfig(**SIZES, num_hidden_layers=2, image_size=42)).eval()
    inner = getattr(peer, "vision_model", peer)
    inner.load_state_dict({name.removeprefix("vision_model."): each.float() for name, each in tensors.items()})
    vision = loaded(tmp_path, tensors)
    seen = vision.encode_image(PICTURES, crop=False)
    assert (vision.image, vision.mean) == (42, (0.5, 0.5, 0.5))
    with torch.no_grad():
        wanted = peer(prepared(PICTURES, 42, vision.mean, vision.std, crop=False))
    torch.testing.assert_close(seen.last_hidden_state, wanted.last_hidden_state)
    torch.testing.assert_close(seen.image_embeds, wanted.pooler_output)


def test_every_layout_makes_the_same_encoder(tmp_path: Path) -> None:
    plain = tiny_vision()
    wanted = loaded(tmp_path, plain).encode_image(PICTURES)
    for tensors in (
        in_open_clip_names(plain),
        in_open_clip_names(plain, "embedder.model.visual."),
        {f"clip.{name}": each for name, each in plain.items()},
        {**plain, "text_model.final_layer_norm.weight": torch.ones(3)},
    ):
        assert same(loaded(tmp_path, tensors).encode_image(PICTURES), wanted)


def test_without_a_projection_the_vector_is_that_of_the_last_layer(tmp_path: Path) -> None:
    tensors = tiny_vision()
    del tensors["visual_projection.weight"]
    assert loaded(tmp_path, tensors).encode_image(PICTURES).image_embeds.shape == (3, 32)


@pytest.mark.parametrize(
    ("width", "layers", "places", "heads", "act"),
    [(1024, 24, 257, 16, "quick_gelu"), (1280, 32, 257, 16, "gelu"), (1664, 48, 257, 16, "gelu")],
)
def test_published_sizes_are_told_from_shapes(
    tmp_path: Path, width: int, layers: int, places: int, heads: int, act: str
) -> None:
    names = {
        "vision_model.embeddings.class_embedding": (width,),
        "vision_model.embeddings.patch_embedding.weight": (width, 3, 14, 14),
        "vision_model.embeddings.position_embedding.weight": (places, width),
        "vision_model.encoder.layers.0.mlp.fc1.weight": (4, 1),
        f"vision_model.encoder.layers.{layers - 1}.mlp.fc1.weight": (4, 1),
    }
    path = make_tiny_vision(
        tmp_path / "x.safetensors", {name: torch.zeros(each).half() for name, each in names.items()}
    )
    found = vision_tensors(open_tensors(path))
    assert found is not None
    shape = read_vision_shape(found)
    assert (shape.width, shape.layers, shape.heads, shape.image, shape.activation) == (width, layers, heads, 224, act)


@pytest.mark.parametrize("size", [(40, 60), (66, 33), (28, 28)])
def test_pictures_are_shown_as_the_peer_shows_them(size: tuple[int, int]) -> None:
    x = torch.arange(size[1])[None, :, None] / 5 + torch.arange(size[0])[:, None, None] / 7
    bytes_ = (128 + 100 * (x + torch.arange(3)).sin()).to(torch.uint8)
    peer = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    wanted = peer(Image.fromarray(bytes_.numpy()), return_tensors="pt")["pixel_values"]
    mean, std = tuple(peer.image_mean), tuple(peer.image_std)
    made = prepared(bytes_[None] / 255, 28, mean, std, crop=True)
    assert made.shape == wanted.shape
    levels = (made - wanted).abs() * torch.tensor(std).view(3, 1, 1) * 255
    assert levels.max() < 1.5
    assert levels.mean() < 0.2


def test_without_cropping_all_of_a_picture_is_seen() -> None:
    picture = torch.zeros(1, 28, 84, 3)
    picture[:, :, :28] = 1.0
    nothing: Any = ((0.0,) * 3, (1.0,) * 3)
    assert prepared(picture, 28, *nothing, crop=True).max() == 0
    squeezed = prepared(picture, 28, *nothing, crop=False)
    assert squeezed[..., :7].min() == 1
    assert squeezed[..., 12:].max() == 0


def test_many_pictures_are_seen_in_passes(tmp_path: Path) -> None:
    vision = loaded(tmp_path, tiny_vision())
    many = torch.rand(18, 28, 28, 4, generator=torch.Generator().manual_seed(2))
    seen = vision.encode_image(many)
    assert seen.image_embeds.shape == (18, 24)
    torch.testing.assert_close(vision.encode_image(many[17:]).image_embeds, seen.image_embeds[17:])


def test_other_files_and_shapes_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"sd\.safetensors: holds no encoder that sees pictures; can be loaded: CLIP"):
        load_vision(make_tiny_checkpoint(tmp_path / "sd.safetensors"), Placement())
    tensors = tiny_vision()
    del tensors["vision_model.encoder.layers.1.mlp.fc2.bias"]
    with pytest.raises(BadFile, match=r"lacks vision_model\.encoder\.layers\.1\.mlp\.fc2\.bias"):
        loaded(tmp_path, tensors)
    with pytest.raises(ValueError, match=r"shape \(3, 40, 60, 1\)"):
        loaded(tmp_path, tiny_vision()).encode_image(PICTURES[..., :1])
