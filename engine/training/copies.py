"""Copies of networks: one to train, because values on links are shared and frozen, and a frozen one to give back."""

from copy import deepcopy
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn

from engine.device import place
from engine.device.resident import whole
from engine.diffusion.model import Model
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.towers import clip_from_tensors

M = TypeVar("M", bound=nn.Module)


def trainable(module: M) -> M:
    """A copy in float32 that learns: its weights ask for gradients, and convolutions see channels last."""
    with torch.inference_mode(False), whole(module):
        copy = deepcopy(module).float()
        for owner in copy.modules():  # tensors that a run made are no tensors for training: clone them
            for name, parameter in list(owner.named_parameters(recurse=False)):
                fresh = nn.Parameter(parameter.detach().clone(), requires_grad=True)
                setattr(owner, name, fresh)
        return copy.to(memory_format=torch.channels_last).train()


def rounded(module: M) -> M:
    """The module itself, frozen, each weight set to the float16 number nearest to it.

    Saved in float16 it then loses nothing. Raises ValueError for weights beyond float16.
    """
    with torch.no_grad():
        for name, weight in module.named_parameters():
            near = weight.half()
            if not near.isfinite().all():
                msg = f"the weights of {name} reach {weight.abs().max():.3g}, more than float16 holds (65504)"
                raise ValueError(msg)
            weight.copy_(near)
    return module.requires_grad_(False).eval()


def settled(module: M, device: torch.device, dtype: torch.dtype) -> M:
    """The module itself, frozen and rounded, where and how it computes when it is called."""
    # Not the module's own `to`, which warns where diffusers would have chosen the type itself.
    nn.Module.to(rounded(module).to(memory_format=torch.contiguous_format), device, dtype)
    return module


def model_with(model: Model, network: nn.Module) -> Model:
    """The model with a trained network in place of its own, as loaders would have it: no patches are left to apply."""
    return replace(model, network=settled(network, model.device, model.dtype), patches=())


def clip_with(clip: Clip, tower: str, network: nn.Module) -> Clip:
    """The text encoders with a trained one in place of its own, its weights kept as loaders keep them."""
    placement = replace(place.current(), device=clip.towers[tower].network.device)
    made = clip_from_tensors(clip.layout.name, {tower: rounded(network).state_dict()}, placement)
    return replace(made, layer=clip.layer)
