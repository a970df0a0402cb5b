"""Style models with seeded random weights: real names, narrow widths."""

from pathlib import Path

from torch import Tensor

from engine.diffusion.families.assign import hollow
from engine.diffusion.style import Redux, StyleAdapter
from tests.tiny.checkpoints import random_weight
from tests.tiny.layouts import WIDTH
from tests.tiny.visions import make_tiny_vision


def tiny_style(text: int = WIDTH) -> dict[str, Tensor]:
    """A style adapter of two layers and three tokens for text of this width."""
    wanted = hollow(lambda: StyleAdapter(WIDTH, text, 2, 3)).state_dict()
    return {name: random_weight(name, tuple(each.shape)) for name, each in wanted.items()}


def tiny_redux(text: int = WIDTH) -> dict[str, Tensor]:
    """A Redux model for text of this width."""
    wanted = hollow(lambda: Redux(WIDTH, 3 * text, text)).state_dict()
    return {name: random_weight(name, tuple(each.shape)) for name, each in wanted.items()}


def make_tiny_style(path: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write a style model's file, that of `tiny_style` if nothing else is given."""
    return make_tiny_vision(path, tiny_style() if tensors is None else tensors)
