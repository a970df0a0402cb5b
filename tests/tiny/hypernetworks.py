"""Hypernetwork files for the tiny model of SD 1.x: seeded random layers, numbered as trainers of hypernetworks do."""

from typing import Any

import torch
from torch import Tensor, nn

WIDTHS = (32, 64)  # of the tiny model's text and of its levels


def layers(width: int, seed: int) -> nn.Sequential:
    """Two linear layers with an activation and norms between them, and dropout, which leaves a gap in the numbers."""
    torch.manual_seed(seed)
    made = nn.Sequential(
        nn.Linear(width, 2 * width),
        nn.ReLU(),
        nn.LayerNorm(2 * width),
        nn.Dropout(0.3),
        nn.Linear(2 * width, width),
        nn.LayerNorm(width),
    )
    return made.eval().requires_grad_(False)


def tiny_hypernetwork() -> dict[Any, Any]:
    """What such a file holds: by width the weights for keys and values, and words on how they are used."""
    made: dict[Any, Any] = {width: (_state(width, 1), _state(width, 2)) for width in WIDTHS}
    return made | {"activation_func": "relu", "activate_output": False, "layer_structure": [1, 2, 1], "step": 7}


def flat_hypernetwork() -> dict[str, Tensor]:
    """The same tensors under the names that they have in a safetensors file."""
    return {
        f"{width}.{part}.{name}": tensor
        for width in WIDTHS
        for part in (0, 1)
        for name, tensor in _state(width, part + 1).items()
    }


def _state(width: int, seed: int) -> dict[str, Tensor]:
    return {f"linear.{name}": tensor for name, tensor in layers(width, seed).state_dict().items()}
