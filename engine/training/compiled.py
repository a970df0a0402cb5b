"""Functions compiled for speed: torch.compile for the one shape that training asks for again and again."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def faster(function: Callable[P, R], is_wanted: bool) -> Callable[P, R]:
    """The function compiled at its first call if wanted, or as it is. Gradients flow through either."""
    return torch.compile(function, dynamic=False) if is_wanted else function
