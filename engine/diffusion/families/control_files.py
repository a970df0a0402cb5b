"""ControlNets and T2I adapters out of files, and a ControlNet into one."""

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers.models.adapter import FullAdapter, FullAdapterXL, LightAdapter
from torch import Tensor, nn

from engine.device import memory, place
from engine.device.held import Read, change, numbers_of, read_of
from engine.device.place import Placement
from engine.diffusion.adapter import Adapter
from engine.diffusion.control import ControlNet
from engine.diffusion.control_lora import ControlLora
from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.families.attention import attend_in_float32
from engine.diffusion.families.control_network import ControlNetwork
from engine.diffusion.families.control_union import union_of
from engine.diffusion.families.unet import Heads, build_unet
from engine.diffusion.hinted import Steering
from engine.diffusion.model import Model
from engine.weights.adapter_names import AdapterShape, adapter_shape, adapter_tensors, is_adapter
from engine.weights.control_names import LORA, PREFIX, control_tensors, is_difference, is_lora, is_own, module_names
from engine.weights.deltas import Delta, LowRank, Replacement, Scaled
from engine.weights.read import BadFile, Tensors, open_tensors
from engine.weights.unet_shape import UNetShape, UnknownShape, read_encoder_shape

_SHUFFLES = ("_shuffle", "_shuffle_fp16")  # how the files end whose networks tell of colours, not of places


def load_steering(path: Path, placement: Placement | None = None, base: Model | None = None) -> Steering:
    """Load a ControlNet (see `load_control_net`), a Control-LoRA, or a T2I adapter in either layout.

    Raises FileNotFoundError, BadFile for what cannot be loaded, and OutOfMemory.
    """
    tensors, placement = open_tensors(path), placement or place.current()
    if is_adapter(tensors):
        return _adapter(tensors, placement)
    return _control_lora(tensors) if is_lora(tensors) else _control_net(tensors, placement, base)


def load_control_net(path: Path, placement: Placement | None = None, base: Model | None = None) -> ControlNet:
    """Load a ControlNet of SD 1.x, SD 2.x or SDXL, in the original layout or that of diffusers, a union or a plain one.

    `base` is the model whose weights are added where a file holds differences to them. Raises FileNotFoundError,
    BadFile for what cannot be loaded, and OutOfMemory.
    """
    return _control_net(open_tensors(path), placement or place.current(), base)


def control_net_tensors(network: ControlNetwork) -> dict[str, Tensor]:
    """The tensors of a ControlNet by their names in an original file, float16."""
    weights = dict(numbers_of(network))
    names = module_names(weights)
    return {PREFIX + names[name]: tensor.half() for name, tensor in weights.items()}


def _control_net(whole: Tensors, placement: Placement, base: Model | None) -> ControlNet:
    path = whole.path
    tensors = control_tensors(whole)
    if is_difference(whole) and base is None:
        raise BadFile(path, "holds differences to the weights of a model: load it with DiffControlNetLoader")
    try:
        shape = read_encoder_shape(tensors.shapes)
        network = hollow(lambda: ControlNetwork(build_unet(shape, _heads(shape)), union_of(tensors.shapes)))
    except (UnknownShape, ValueError) as error:
        raise BadFile(path, f"holds a ControlNet that cannot be built: {error}") from None
    with memory.named_shortage(f"loading {path.name}", placement.device):
        names = module_names(network.state_dict())
        fill(network, tensors, names, placement.device, placement.dtype, "the ControlNet")
        if base is not None and is_difference(whole):
            _add(network, base, path)
    if shape.linear_projection and shape.vector is None and placement.dtype != torch.float32:
        attend_in_float32(network.encoder)
    return ControlNet(network, shape, path.name, path.stem.endswith(_SHUFFLES))


def _control_lora(whole: Tensors) -> ControlLora:
    tensors = control_tensors(whole)
    changes: dict[str, Delta] = {}
    own: dict[str, Tensor] = {}
    for name in tensors:
        module, _, leaf = name.rpartition(".")
        if name == LORA or (leaf == "down" and f"{module}.up" in tensors):
            continue
        content = tensors[name].clone()  # in memory of its own: files may be written anew
        if is_own(name):
            own[name] = content
        elif leaf == "up" and f"{module}.down" in tensors:
            changes[f"{module}.weight"] = Scaled(LowRank(content, tensors[f"{module}.down"].clone()))
        else:
            changes[name] = Replacement(content)
    return ControlLora(changes, own, whole.path.name, whole.path.stem.endswith(_SHUFFLES))


def _adapter(tensors: Tensors, placement: Placement) -> Adapter:
    path = tensors.path
    named = adapter_tensors(tensors)
    shape = adapter_shape(named)
    network = hollow(lambda: _adapter_network(shape))
    names = {name: name for name in network.state_dict()}
    if strange := [name for name in named if name not in names]:
        raise BadFile(path, f"is a T2I adapter of another make: {strange[0]} has no place in those that can be loaded")
    with memory.named_shortage(f"loading {path.name}", placement.device):
        fill(network, named, names, placement.device, placement.dtype, "the T2I adapter")
    return Adapter(network, shape, path.name)


def _adapter_network(shape: AdapterShape) -> nn.Module:
    """An adapter of this shape; a light one has its last width twice."""
    if shape.kind == "light":
        return LightAdapter(shape.channels, [*shape.widths[:-1]], shape.residuals, shape.cell)
    kind = FullAdapterXL if shape.kind == "full xl" else FullAdapter
    return kind(shape.channels, [*shape.widths], shape.residuals, shape.cell)


def _heads(shape: UNetShape) -> Heads:
    return "eight" if shape.vector is None and not shape.linear_projection else "width 64"


def _add(network: ControlNetwork, base: Model, path: Path) -> None:
    """Add the weights of a model's encoder to differences."""
    theirs = dict(base.patched.named_parameters())
    for name, weight in network.encoder.named_parameters():
        other = theirs.get(name)
        if other is None or other.shape != weight.shape:
            raise BadFile(path, f"holds differences to another kind of model: {name} does not fit this one")
        change(weight, _sum(read_of(other)))


def _sum(read: Read) -> Callable[[Tensor], Tensor]:
    return lambda difference: difference + read().to(difference)
