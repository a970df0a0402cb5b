"""ControlNet files for the very small models: seeded random weights in the original layout."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.families.assign import hollow
from engine.diffusion.families.control_network import ControlNetwork
from engine.diffusion.families.control_union import Union
from engine.diffusion.families.unet import build_unet
from engine.weights.control_names import LORA, PREFIX, is_own, module_names
from engine.weights.unet_names import ldm_names
from tests.tiny.checkpoints import random_weight
from tests.tiny.layouts import LAYOUTS, WIDTH

RANK = 4  # of a Control-LoRA


def tiny_control(family: str = "sd15", prefix: str = PREFIX) -> dict[str, Tensor]:
    """A ControlNet for the tiny model of this family; no layer of it is zero."""
    layout = LAYOUTS[family]
    module = hollow(lambda: ControlNetwork(build_unet(layout.unet, layout.heads))).state_dict()
    names = module_names(module)
    return {prefix + names[name]: random_weight(names[name], tuple(each.shape)) for name, each in module.items()}


def tiny_union(kinds: int = 8) -> dict[str, Tensor]:
    """The tensors that make a ControlNet of the narrowest width a union, with two layers of attention."""
    module = hollow(lambda: Union(kinds, WIDTH, 4 * WIDTH, 2)).state_dict()
    return {name: random_weight(name, tuple(each.shape)) for name, each in module.items()}


def tiny_union_control(family: str = "sdxl", kinds: int = 8) -> dict[str, Tensor]:
    """A union ControlNet in the names of diffusers, as such files are."""
    original, union = tiny_control(family, ""), tiny_union(kinds)
    unet = build_unet(LAYOUTS[family].unet, LAYOUTS[family].heads).state_dict()
    made = {name: original[old] for name, old in ldm_names(unet).items() if old in original}
    for name, tensor in original.items():
        part, _, rest = name.partition(".")
        index, _, leaf = rest.rpartition(".")
        if part == "zero_convs":
            made[f"controlnet_down_blocks.{index.partition('.')[0]}.{leaf}"] = tensor
        elif part == "middle_block_out":
            made[f"controlnet_mid_block.{leaf}"] = tensor
        elif part == "input_hint_block":
            place = int(index)
            stem = {0: "conv_in", 14: "conv_out"}.get(place, f"blocks.{place // 2 - 1}")
            made[f"controlnet_cond_embedding.{stem}.{leaf}"] = tensor
    return made | union


def make_tiny_control(path: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write a ControlNet file, that of `tiny_control` if nothing else is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_control() if tensors is None else tensors, path, {"format": "pt"})
    return path


def tiny_control_lora(family: str = "sd15") -> dict[str, Tensor]:
    """A Control-LoRA for the tiny model of this family: matrices as two factors, all else whole."""
    made: dict[str, Tensor] = {LORA: torch.zeros(0)}
    for name, tensor in tiny_control(family, "").items():
        if is_own(name) or tensor.ndim == 1:
            made[name] = tensor
        elif not name.startswith("time_embed"):  # what a file does not have stays as the model has it
            module, (out, into, *kernel) = name.removesuffix(".weight"), tensor.shape
            made[f"{module}.up"] = random_weight(f"{module}.up", (out, RANK, *[1] * len(kernel)))
            made[f"{module}.down"] = random_weight(f"{module}.down", (RANK, into, *kernel))
    return made
