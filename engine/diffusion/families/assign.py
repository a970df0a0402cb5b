"""Modules without weights, and weights given to them tensor by tensor: no second copy of a model is ever made."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.weights.read import BadFile, Tensors

M = TypeVar("M", bound=nn.Module)


def hollow(make: Callable[[], M]) -> M:
    """A module as `make` builds it, but without memory for its weights."""
    with torch.device("meta"):
        return make()


def fill(
    module: nn.Module,
    tensors: Tensors,
    names: Mapping[str, str],
    device: torch.device,
    dtype: torch.dtype,
    what: str,
) -> None:
    """Give a hollow module its weights: `names` maps each of the module's tensors to the file's.

    Raises BadFile for a tensor that is missing, or whose shape is another one. Tensors that the module does not have
    stay unread.
    """
    wanted: dict[str, Tensor] = module.state_dict()
    if missing := [names[name] for name in wanted if names[name] not in tensors]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadFile(tensors.path, f"is incomplete: {what} lacks {missing[0]}{more}")
    weights: dict[str, Tensor] = {}
    for name, place in wanted.items():
        stored = tensors.specs[names[name]].shape
        if _squeezed(stored) != _squeezed(place.shape):
            wrong = f"{what}: {names[name]} has the shape {list(stored)}, it should be {list(place.shape)}"
            raise BadFile(tensors.path, wrong)
        stored_there = tensors[names[name]].reshape(place.shape)
        weights[name] = _owned(stored_there.to(device, dtype), stored_there)
    module.load_state_dict(weights, assign=True)
    module.requires_grad_(False).eval()


def _owned(weight: Tensor, stored: Tensor) -> Tensor:
    """A weight in memory of its own. Mapped out of a file it would lie where the file has it, and kernels round
    otherwise at odd addresses: the same weights in two files should predict the same bits.
    """
    return weight.clone() if weight.data_ptr() == stored.data_ptr() else weight


def _squeezed(shape: tuple[int, ...] | torch.Size) -> tuple[int, ...]:
    """A shape without its ones at the end: a matrix may be kept as a 1 x 1 convolution."""
    kept = list(shape)
    while kept and kept[-1] == 1:
        kept.pop()
    return tuple(kept)
