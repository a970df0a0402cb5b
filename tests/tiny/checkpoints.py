"""Checkpoints of very small models with seeded random weights: the real layout and the real paths, in seconds."""

import math
import zlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.tiny.layouts import LAYOUTS, Layout, text_tensors, unet_tensors, vae_tensors

V_BIAS = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
EDM_LIMITS = {"edm_vpred.sigma_min": 0.01, "edm_vpred.sigma_max": 100.0}

FAMILIES = tuple(LAYOUTS)


def make_tiny_checkpoint(path: Path, family: str = "sd15") -> Path:
    """Write a checkpoint of a few megabytes, the same bytes every time; `family` is one of FAMILIES."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_tensors(family), path, {"format": "pt"})
    return path


def tiny_tensors(family: str = "sd15") -> dict[str, Tensor]:
    """The tensors of such a checkpoint, float16, by their full names."""
    layout = LAYOUTS[family]
    tensors = {f"model.diffusion_model.{name}": tensor for name, tensor in _network(layout, family).items()}
    tensors |= {
        f"first_stage_model.{name}": random_weight(name, shape)
        for name, shape in vae_tensors(layout.vae_levels).items()
    }
    for prefix in layout.towers:
        tensors |= {prefix + name: random_weight(prefix + name, shape) for name, shape in text_tensors(prefix).items()}
    for marker in layout.markers:
        tensors[marker] = torch.tensor(EDM_LIMITS.get(marker, 0.0))
    return tensors


def other_tensors(family: str = "sd15") -> dict[str, Tensor]:
    """The tensors of a second checkpoint of this kind: other numbers, of the same sizes."""
    return {name: tensor.roll(1, 0) if tensor.ndim else tensor for name, tensor in tiny_tensors(family).items()}


def make_other_checkpoint(path: Path, family: str = "sd15") -> Path:
    """Write such a second checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(other_tensors(family), path, {"format": "pt"})
    return path


def tiny_text_encoder(layers: int = 12) -> dict[str, Tensor]:
    """The tensors of a text encoder alone, in transformers' names: 12 layers make an L, 24 an H and 32 a bigG."""
    return {name: random_weight(name, shape) for name, shape in text_tensors("", layers).items()}


def _network(layout: Layout, family: str) -> dict[str, Tensor]:
    tensors = {name: random_weight(name, shape) for name, shape in unet_tensors(layout).items()}
    if family == "sd2v":
        tensors[V_BIAS] = tensors[V_BIAS] * 20  # the spread by which v-prediction is told
    return tensors


def random_weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """Weights that keep activations near unit size, from the name alone."""
    generator = torch.Generator("cpu").manual_seed(zlib.crc32(name.encode()))
    noise = torch.randn(shape, generator=generator)
    if name.endswith("bias"):
        noise = 0.02 * noise
    elif len(shape) == 1:
        noise = 1 + 0.05 * noise
    elif "embedding" in name:
        noise = 0.02 * noise
    else:
        noise = noise * (0.8 / math.sqrt(math.prod(shape[1:])))
    return noise.half().contiguous()
