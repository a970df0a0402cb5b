"""A model, its text encoders and its autoencoder become a file again, in the original single-file layout."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.device.held import numbers_of
from engine.diffusion.families.open_clip_names import in_open_clip_names
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.text_parts import PLACES
from engine.diffusion.families.unclip import UnClip
from engine.diffusion.levels import DiscreteLevels, EdmLevels
from engine.diffusion.model import Model
from engine.diffusion.parameterisation import EdmPrediction, EpsilonPrediction, VPrediction
from engine.diffusion.text.clip import Clip
from engine.diffusion.vae import Vae
from engine.weights import unet_names, vae_names
from engine.weights.recognise import NETWORK_PREFIXES, VAE_PREFIXES, Prediction, Recognised, markers

Saved = dict[str, Tensor]


def checkpoint_tensors(model: Model, clip: Clip | None = None, vae: Vae | None = None) -> Saved:
    """All tensors of a checkpoint by their names in a single file. Parts that are None are left out.

    Raises ValueError for a model of a family that has no such layout, or text encoders of another family.
    """
    family = _family(model)
    tensors = _prefixed(NETWORK_PREFIXES[0], network_tensors(model)) | _markers(model, family.recognised)
    if isinstance(family, UnClip) and family.augmentor is not None:
        tensors |= family.augmentor.tensors()
    if clip is not None:
        layout, places = PLACES[family.name]
        if clip.layout.name != layout:
            msg = f"a {family.name} checkpoint holds {layout} text encoders, not those of {clip.layout.name}"
            raise ValueError(msg)
        for tower, prefixes in places.items():
            in_open_clip = prefixes[0].endswith(".model.")
            tensors |= _prefixed(prefixes[0], text_tensors(clip, tower, in_open_clip=in_open_clip))
    if vae is not None:
        tensors |= _prefixed(VAE_PREFIXES[0], vae_tensors(vae))
    return tensors


def network_tensors(model: Model) -> Saved:
    """The tensors of a model's network by their original names, without prefix. Raises ValueError."""
    _family(model)
    weights = dict(numbers_of(model.patched))
    names = unet_names.ldm_names(weights)
    return _narrowed({names[name]: tensor for name, tensor in weights.items()})


def vae_tensors(vae: Vae) -> Saved:
    """The tensors of an autoencoder by their original names, without prefix."""
    weights = dict(numbers_of(cast(nn.Module, vae.module)))
    names = vae_names.ldm_names(weights)
    return _narrowed(
        {
            names[name]: tensor[..., None, None] if vae_names.is_attention_matrix(names[name]) else tensor
            for name, tensor in weights.items()
        }
    )


def text_tensors(clip: Clip, tower: str, *, in_open_clip: bool = False) -> Saved:
    """The tensors of one text encoder, in transformers' names or in OpenCLIP's, without prefix."""
    weights: Saved = dict(numbers_of(clip.towers[tower].patched))
    return _narrowed(in_open_clip_names(weights) if in_open_clip else weights)


def write(path: Path, tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> None:
    """Write a safetensors file with these texts in its metadata."""
    whole = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    save_file(whole, path, {"format": "pt", **texts})


def _family(model: Model) -> StableDiffusion:
    if not isinstance(model.family, StableDiffusion):
        msg = f"models of the family {model.family.name} cannot be saved in the original layout"
        raise ValueError(msg)
    return model.family


def _markers(model: Model, found: Recognised) -> Saved:
    """The tensors that tell how an SDXL network was trained, as the model is now set."""
    levels = model.levels
    now = replace(
        found,
        prediction=_prediction(model, found.prediction),
        zero_terminal=isinstance(levels, DiscreteLevels) and levels.zero_terminal,
        levels=(levels.lowest, levels.highest) if isinstance(levels, EdmLevels) else None,
    )
    return {name: torch.tensor(content) for name, content in markers(now).items()}


def _prediction(model: Model, otherwise: Prediction) -> Prediction:
    match model.parameterisation:
        case EpsilonPrediction():
            return "epsilon"
        case VPrediction():
            return "v"
        case EdmPrediction():
            return "edm"
        case _:
            return otherwise


def _prefixed(prefix: str, tensors: Saved) -> Saved:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _narrowed(tensors: Saved) -> Saved:
    """The same numbers in half the bytes, where float16 or bfloat16 holds every one of them exactly."""
    for dtype in (torch.float16, torch.bfloat16):
        if _holds(dtype, tensors.values()):
            return {
                name: tensor.to(dtype) if tensor.dtype == torch.float32 else tensor for name, tensor in tensors.items()
            }
    return tensors


def _holds(dtype: torch.dtype, tensors: Iterable[Tensor]) -> bool:
    return all(torch.equal(each.to(dtype).float(), each) for each in tensors if each.dtype == torch.float32)
