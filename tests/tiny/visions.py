"""Encoders of pictures with seeded random weights: real names, narrow widths."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.families.vision_files import build_vision, in_files
from engine.weights.vision_names import VisionShape
from tests.tiny.checkpoints import random_weight, tiny_tensors
from tests.tiny.layouts import SEEN

TINY = VisionShape("clip", 32, 64, layers=2, heads=1, patch=14, image=28, projected=SEEN)
DEEP = VisionShape("clip", 32, 64, layers=25, heads=1, patch=14, image=28, projected=SEEN)
SIGLIP = VisionShape("siglip", 32, 64, layers=2, heads=1, patch=14, image=42, projected=None)


def tiny_vision(shape: VisionShape = TINY) -> dict[str, Tensor]:
    """The tensors of an encoder in transformers' names."""
    wanted = build_vision(shape).state_dict()
    return {in_files(name): random_weight(name, tuple(each.shape)) for name, each in wanted.items()}


def in_open_clip_names(tensors: dict[str, Tensor], prefix: str = "visual.") -> dict[str, Tensor]:
    """The same encoder as OpenCLIP keeps it."""
    layer = "vision_model.encoder.layers."
    made = {"proj": tensors["visual_projection.weight"].T.contiguous()}
    inside = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    outside = {
        "embeddings.class_embedding": "class_embedding",
        "embeddings.position_embedding.weight": "positional_embedding",
        "embeddings.patch_embedding.weight": "conv1.weight",
    }
    outside |= {f"pre_layrnorm.{kind}": f"ln_pre.{kind}" for kind in ("weight", "bias")}
    outside |= {f"post_layernorm.{kind}": f"ln_post.{kind}" for kind in ("weight", "bias")}
    for name, tensor in tensors.items():
        if (bare := name.removeprefix("vision_model.")) in outside:
            made[outside[bare]] = tensor
        elif name.startswith(layer):
            number, _, rest = name.removeprefix(layer).partition(".")
            part, _, kind = rest.rpartition(".")
            block = f"transformer.resblocks.{number}"
            if part in inside:
                made[f"{block}.{inside[part]}.{kind}"] = tensor
            elif part == "self_attn.out_proj":
                made[f"{block}.attn.out_proj.{kind}"] = tensor
            elif part == "self_attn.q_proj":
                three = [tensors[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
                made[f"{block}.attn.in_proj_{kind}"] = torch.cat(three)
    return {prefix + name: tensor for name, tensor in made.items()}


def make_tiny_vision(path: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write an encoder's file, that of `tiny_vision` if nothing else is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_vision() if tensors is None else tensors, path, {"format": "pt"})
    return path


def make_tiny_unclip(path: Path) -> Path:
    """Write an unCLIP checkpoint: a tiny model with the encoder that it follows, and how it normalises vectors."""
    beside = {
        "noise_augmentor.data_mean": random_weight("mean.bias", (1, SEEN)),
        "noise_augmentor.data_std": random_weight("spread", (SEEN,))[None].contiguous(),
    }
    return make_tiny_vision(
        path, tiny_tensors("unclip") | beside | in_open_clip_names(tiny_vision(), "embedder.model.visual.")
    )
