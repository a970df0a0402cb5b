"""Modules without weights, and weights given to them tensor by tensor: no second copy of a model is ever made."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.device.held import Read, hold, settle
from engine.device.resident import bring_if_free
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

    They are rounded to `dtype`, and from there to what a weight is kept in where the module asks for less. They stay in
    the file until the module is at work, or until it is seen that there is room for them now. Raises BadFile for a
    tensor that is missing, or whose shape is another one. Tensors that the module does not have stay unread.
    """
    wanted: dict[str, Tensor] = module.state_dict()
    if missing := [names[name] for name in wanted if names[name] not in tensors]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadFile(tensors.path, f"is incomplete: {what} lacks {missing[0]}{more}")
    for name, place in wanted.items():
        stored = tensors.specs[names[name]].shape
        if _squeezed(stored) != _squeezed(place.shape):
            wrong = f"{what}: {names[name]} has the shape {list(stored)}, it should be {list(place.shape)}"
            raise BadFile(tensors.path, wrong)
    for owner in module.modules():
        for name, weight in list(owner.named_parameters(recurse=False)):
            if weight.dtype == torch.float32 and dtype != torch.float32:
                setattr(owner, name, nn.Parameter(weight.to(dtype), requires_grad=False))
    reads = {name: _reading(tensors, names[name], dtype) for name in wanted}
    give(module, reads, device, f"{what} of {tensors.path.name}", tensors)


def give(
    module: nn.Module, reads: Mapping[str, Read], device: torch.device, what: str, source: Mapping[str, Tensor]
) -> None:
    """Have a hollow module's weights read from `source` by these, each into the type that the module keeps it in.

    What lies in main memory already would lie there twice while it is computed with there: that is read at once.
    """
    for name, buffer in list(module.named_buffers()):
        if buffer.device.type == "meta" and name in reads:
            owner, _, own_name = name.rpartition(".")
            module.get_submodule(owner).register_buffer(own_name, reads[name]().to(device, buffer.dtype, copy=True))
    module.requires_grad_(False).eval()
    hold(module, reads, device, what, source.path.name if isinstance(source, Tensors) else "")
    if device.type == "cpu" and not (isinstance(source, Tensors) and source.is_mapped):
        settle(module)
    else:
        bring_if_free(module)


def _reading(tensors: Tensors, name: str, dtype: torch.dtype) -> Read:
    return lambda: tensors[name].to(dtype)


def _squeezed(shape: tuple[int, ...] | torch.Size) -> tuple[int, ...]:
    """A shape without its ones at the end: a matrix may be kept as a 1 x 1 convolution."""
    kept = list(shape)
    while kept and kept[-1] == 1:
        kept.pop()
    return tuple(kept)
