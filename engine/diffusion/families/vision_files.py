"""An encoder that sees pictures, out of a file of its own or a checkpoint."""

from math import prod
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, SiglipVisionConfig, SiglipVisionModel

from engine.device import memory, place
from engine.device.place import Placement
from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.vision import Vision
from engine.weights.read import BadFile, Tensors, open_tensors
from engine.weights.vision_names import INNER, PROJECTION, SUPPORTED, VisionShape, read_vision_shape, vision_tensors

_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_SIGLIP_MEAN, _SIGLIP_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def load_vision(path: Path, placement: Placement | None = None) -> Vision:
    """Load an encoder that sees pictures. Raises FileNotFoundError, BadFile for what is none, and OutOfMemory."""
    made = find_vision(path, placement)
    if made is None:
        raise BadFile(path, f"holds no encoder that sees pictures; can be loaded: {SUPPORTED}")
    return made


def find_vision(path: Path, placement: Placement | None = None) -> Vision | None:
    """The encoder that a file holds beside whatever else; None where it has none. Raises as above."""
    placement = placement or place.current()
    found = vision_tensors(open_tensors(path))
    if found is None:
        return None
    with memory.named_shortage(f"loading {path.name}", placement.device):
        return _built(found, placement)


def _built(tensors: Tensors, placement: Placement) -> Vision:
    shape = read_vision_shape(tensors)
    try:
        network = build_vision(shape)
    except ValueError as error:
        raise BadFile(tensors.path, f"holds an encoder of pictures that cannot be built: {error}") from None
    wanted = network.state_dict()
    size = sum(prod(each.shape) for each in wanted.values()) * placement.dtype.itemsize
    memory.check_room(size, placement.device, f"the encoder of pictures in {tensors.path.name}")
    names = {name: in_files(name) for name in wanted}
    fill(network, tensors, names, placement.device, placement.dtype, "the encoder of pictures")
    _count_positions(network, placement.device)
    mean, std = (_CLIP_MEAN, _CLIP_STD) if shape.kind == "clip" else (_SIGLIP_MEAN, _SIGLIP_STD)
    return Vision(network, shape.image, tensors.path.name, mean, std)


def in_files(name: str) -> str:
    """What files call a tensor of a module: some modules of transformers have no inner model."""
    return name if name.startswith((INNER, PROJECTION)) else INNER + name


def build_vision(shape: VisionShape) -> nn.Module:
    """An encoder of this shape without weights."""
    sizes: dict[str, Any] = {
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "image_size": shape.image,
        "patch_size": shape.patch,
        "hidden_act": shape.activation,
    }
    if shape.kind == "siglip":
        return hollow(lambda: SiglipVisionModel(SiglipVisionConfig(**sizes)))
    projected = shape.projected or shape.width
    network = hollow(lambda: CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes, projection_dim=projected)))
    if shape.projected is None:
        cast(Any, network).visual_projection = nn.Identity()
    return network


def _count_positions(network: nn.Module, device: torch.device) -> None:
    """Fill in the one buffer that no file holds: the positions 0, 1, 2, …"""
    for name, buffer in list(network.named_buffers()):
        owner, _, own_name = name.rpartition(".")
        counted = torch.arange(buffer.numel(), device=device).view(buffer.shape)
        network.get_submodule(owner).register_buffer(own_name, counted, persistent=False)
