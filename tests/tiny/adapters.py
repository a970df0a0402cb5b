"""T2I adapter files for the very small models: seeded random weights, in the original layout and that of diffusers."""

import re
from typing import Literal

from diffusers.models.adapter import T2IAdapter
from torch import Tensor

from tests.tiny.checkpoints import random_weight

Kind = Literal["full_adapter", "light_adapter", "full_adapter_xl"]

RESIDUALS = 2
WIDTHS = {
    "full_adapter": (32, 64, 64, 64),
    "light_adapter": (32, 64, 64),  # diffusers' module makes one more level of the last
    "full_adapter_xl": (32, 64, 64, 64),
}


def tiny_peer(kind: Kind, channels: int = 3) -> T2IAdapter:
    """Diffusers' own adapter for the tiny model of its family, with seeded random weights."""
    cell = 16 if kind == "full_adapter_xl" else 8
    adapter = T2IAdapter(channels, list(WIDTHS[kind]), RESIDUALS, cell, kind).eval()
    weights = {name: random_weight(name, tuple(each.shape)) for name, each in adapter.state_dict().items()}
    adapter.load_state_dict(weights)
    return adapter


def tiny_adapter(kind: Kind = "full_adapter", channels: int = 3) -> dict[str, Tensor]:
    """The tensors of such an adapter in the original layout."""
    weights = tiny_peer(kind, channels).state_dict()
    return {_original(name.removeprefix("adapter."), kind): tensor for name, tensor in weights.items()}


def _original(name: str, kind: Kind) -> str:
    if kind == "light_adapter":
        return name.replace("resnets", "body")
    if found := re.fullmatch(r"body\.(\d)\.resnets\.(\d)\.(.+)", name):
        return f"body.{RESIDUALS * int(found[1]) + int(found[2])}.{found[3]}"
    if found := re.fullmatch(r"body\.(\d)\.in_conv\.(.+)", name):
        return f"body.{RESIDUALS * int(found[1])}.in_conv.{found[2]}"
    return name
