"""Small decoders for previews (TAESD and its kin) as diffusers' DecoderTiny, from files that number their layers."""

import re
from itertools import pairwise

import torch
from diffusers.models.autoencoders.vae import DecoderTiny

from engine.device.held import settle
from engine.diffusion.families.assign import fill, hollow
from engine.weights.read import BadFile, Tensors

_LAYER = re.compile(r"(?:decoder\.)?(?:layers\.)?(\d{1,3})\.(.+)")
_MOST_LEVELS = 6


def load_tiny_decoder(tensors: Tensors, device: torch.device, dtype: torch.dtype) -> DecoderTiny:
    """The decoder in these tensors: latents (B, C, h, w) as networks see them become (B, 3, H, W) in -1..1.

    The original files count layers from 1, as their 0th, which clamps, has no weights; diffusers' files count from 0
    and may hold an encoder too. Raises BadFile for tensors that make no such decoder.
    """
    names = _names(tensors)
    module = _hollow_like(tensors, names)
    fill(module, tensors, {name: names.get(name, name) for name in module.state_dict()}, device, dtype, "the decoder")
    settle(module)  # previews decode beside the work that would have it come and go
    return module


def channels_of(decoder: DecoderTiny) -> int:
    """Channels of the latents that it takes."""
    return int(decoder.state_dict()["layers.0.weight"].shape[1])


def _names(tensors: Tensors) -> dict[str, str]:
    """The file's name for each tensor of diffusers' module."""
    found = [(int(match[1]), match[2], match[0]) for name in tensors if (match := _LAYER.fullmatch(name))]
    first = min((number for number, _, _ in found), default=0)
    return {f"layers.{number - first}.{rest}": name for number, rest, name in found}


def _hollow_like(tensors: Tensors, names: dict[str, str]) -> DecoderTiny:
    numbers = {name: int(name.split(".")[1]) for name in names}
    convolutions = sorted(number for name, number in numbers.items() if name == f"layers.{number}.weight")
    blocks = [number for name, number in numbers.items() if name == f"layers.{number}.conv.0.weight"]
    if not convolutions or convolutions[0] != 0 or not 1 < len(convolutions) <= _MOST_LEVELS + 1:
        raise BadFile(tensors.path, "holds no small decoder for previews (wanted: the decoder of a TAESD)")
    first, last = (tensors.shapes[names[f"layers.{number}.weight"]] for number in (0, convolutions[-1]))
    if len(first) != 4 or last[0] != 3:
        raise BadFile(tensors.path, f"holds no decoder of pictures: its last layer has the shape {list(last)}")
    levels = tuple(sum(start < block < end for block in blocks) for start, end in pairwise(convolutions))
    return hollow(
        lambda: DecoderTiny(
            in_channels=first[1],
            out_channels=3,
            num_blocks=levels,
            block_out_channels=(first[0],) * len(levels),
            upsampling_scaling_factor=2,
            act_fn="relu",
            upsample_fn="nearest",
        )
    )
