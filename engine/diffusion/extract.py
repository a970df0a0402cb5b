"""The tensors of a LoRA file that does what the difference of two models does: the other way round from `lora`."""

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor, nn

from engine.device.held import value_of
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.model import Model
from engine.diffusion.patched import Patches
from engine.diffusion.text.clip import Clip
from engine.weights import unet_names
from engine.weights.lora_names import ENCODER, NETWORK
from engine.weights.low_rank import LoraType, as_lora

_DIFFERENCE = "connect the difference of two models, as ModelMergeSubtract and CLIPMergeSubtract make it"


def extract_lora(
    model: Model | None, clip: Clip | None, rank: int, kind: LoraType, *, with_biases: bool = True
) -> dict[str, Tensor]:
    """A LoRA out of a model and text encoders whose patched weights are differences; either may be None.

    Modules are named as in the original single files. Raises ValueError where nothing is given, for what is no
    difference, and for a model of a family whose names are not known.
    """
    if model is None and clip is None:
        msg = f"there is nothing to extract a LoRA from: {_DIFFERENCE}"
        raise ValueError(msg)
    tensors: dict[str, Tensor] = {}
    for name, difference in chain(_of_network(model), _of_text(clip)):  # one at a time: what is kept of each is small
        tensors |= as_lora(name, difference, rank, kind, with_biases=with_biases)
    if not tensors:
        msg = f"there is no difference to extract a LoRA from, the weights are equal: {_DIFFERENCE}"
        raise ValueError(msg)
    return tensors


def _of_network(model: Model | None) -> Iterator[tuple[str, Tensor]]:
    if model is None:
        return
    if not isinstance(model.family, StableDiffusion):
        msg = f"no LoRA can be extracted from models of the family {model.family.name} today"
        raise ValueError(msg)
    originals = unet_names.ldm_names(name for name, _ in model.network.named_parameters())
    for name, difference in _differences(model.network, model.patches, "the model"):
        yield NETWORK + originals[name], difference


def _of_text(clip: Clip | None) -> Iterator[tuple[str, Tensor]]:
    if clip is None:
        return
    for tower in clip.towers.values():
        prefix = f"text_encoders.{ENCODER.format(tower.embedding)}"
        for name, difference in _differences(tower.network, tower.patches, f"the text encoder {tower.embedding}"):
            yield prefix + name, difference


def _differences(network: nn.Module, patches: Patches, what: str) -> Iterator[tuple[str, Tensor]]:
    """The patched weights, float32. What no patch changes is a weight and no difference."""
    if not patches:
        msg = f"{what} is a plain one and no difference: {_DIFFERENCE}"
        raise ValueError(msg)
    own = dict(network.named_parameters())
    for name in dict.fromkeys(patch.target.weight for patch in patches):
        with torch.no_grad():
            weight = value_of(own[name]).float()
            for patch in patches:
                weight = patch.applied(weight) if patch.target.weight == name else weight
        yield name, weight
