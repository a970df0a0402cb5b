"""ControlNet files for the very small models: seeded random weights in the original layout."""

from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.families.assign import hollow
from engine.diffusion.families.control_network import ControlNetwork
from engine.diffusion.families.unet import build_unet
from engine.weights.control_names import PREFIX, module_names
from tests.tiny.checkpoints import random_weight
from tests.tiny.layouts import LAYOUTS


def tiny_control(family: str = "sd15", prefix: str = PREFIX) -> dict[str, Tensor]:
    """A ControlNet for the tiny model of this family; no layer of it is zero."""
    layout = LAYOUTS[family]
    module = hollow(lambda: ControlNetwork(build_unet(layout.unet, layout.heads))).state_dict()
    names = module_names(module)
    return {prefix + names[name]: random_weight(names[name], tuple(each.shape)) for name, each in module.items()}


def make_tiny_control(path: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write a ControlNet file, that of `tiny_control` if nothing else is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_control() if tensors is None else tensors, path, {"format": "pt"})
    return path
