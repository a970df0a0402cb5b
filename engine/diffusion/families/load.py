"""A file on disk becomes a model, its text encoders and its autoencoder."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine.device import memory, place
from engine.device.place import Placement
from engine.diffusion import latent_format, parameterisation, preview
from engine.diffusion.families.autoencoder import load_autoencoder
from engine.diffusion.families.sdxl import Sdxl, SdxlRefiner
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.text_parts import clip_of_checkpoint, clip_of_files
from engine.diffusion.families.unclip import UnClip, augmentor_of
from engine.diffusion.families.unet import load_unet
from engine.diffusion.families.upscaler import LEVELS, Upscaler
from engine.diffusion.levels import DiscreteLevels, EdmLevels, Levels
from engine.diffusion.model import Model
from engine.diffusion.parameterisation import Parameterisation
from engine.diffusion.text.clip import Clip
from engine.diffusion.vae import Vae
from engine.weights.read import Tensors, open_tensors
from engine.weights.recognise import Recognised, network_of, recognise, vae_prefix

FAMILIES = {
    "sd15": StableDiffusion,
    "sd2": StableDiffusion,
    "unclip": UnClip,
    "upscaler": Upscaler,
    "sdxl": Sdxl,
    "refiner": SdxlRefiner,
}
FORMATS = {
    "sd15": latent_format.SD15,
    "sdxl": latent_format.SDXL,
    "playground": latent_format.PLAYGROUND,
    "x4": latent_format.X4,
}


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint held. Pruned files may lack the text encoders or the autoencoder."""

    model: Model
    clip: Clip | None
    vae: Vae | None


def load_checkpoint(
    path: Path, placement: Placement | None = None, prediction: parameterisation.Parameterisation | None = None
) -> Checkpoint:
    """Load a single-file checkpoint. `prediction` overrides what the file says its network predicts.

    Raises FileNotFoundError, BadFile for what cannot be loaded, and OutOfMemory.
    """
    placement = placement or place.current()
    tensors = open_tensors(path)
    found = recognise(tensors)
    with memory.named_shortage(f"loading {path.name}", placement.device):
        model = build_model(tensors, found, placement)
        if prediction is not None:
            model = replace(model, parameterisation=prediction)
        clip = clip_of_checkpoint(tensors, found.family, placement)
        prefix = vae_prefix(tensors)
        vae = None if prefix is None else _vae(tensors.under(prefix), placement)
    if vae is not None:
        model = model.with_latent_format(preview.seen_by(vae, model.latent_format))
    return Checkpoint(model, clip, vae)


def load_diffusion_model(path: Path, placement: Placement | None = None, storage: torch.dtype | None = None) -> Model:
    """Load the network of a file, whatever else is in it. `storage` keeps its weights in a float8. Raises as above."""
    placement = placement or place.current()
    tensors = open_tensors(path)
    found = recognise(tensors)
    with memory.named_shortage(f"loading {path.name}", placement.device):
        return build_model(tensors, found, placement, storage)


def load_vae(path: Path, placement: Placement | None = None) -> Vae:
    """Load the autoencoder of a file of its own, or of a checkpoint. Raises as above."""
    placement = placement or place.current()
    tensors = open_tensors(path)
    with memory.named_shortage(f"loading {path.name}", placement.device):
        return _vae(tensors.under(vae_prefix(tensors) or ""), placement)


def load_text_encoders(paths: list[Path], placement: Placement | None = None) -> Clip:
    """Load text encoders from files of their own: one of SD or the refiner, or SDXL's two. Raises as above."""
    placement = placement or place.current()
    with memory.named_shortage(f"loading {' and '.join(path.name for path in paths)}", placement.device):
        return clip_of_files([open_tensors(path) for path in paths], placement)


def build_model(tensors: Tensors, found: Recognised, placement: Placement, storage: torch.dtype | None = None) -> Model:
    """The model that was recognised in these tensors. Raises BadFile and OutOfMemory."""
    network = network_of(tensors)
    family = family_of(tensors, found)
    unet = load_unet(network, found, placement, storage)
    return Model(unet, family, levels_of(found), parameterisation_of(found))


def family_of(tensors: Tensors, found: Recognised) -> StableDiffusion:
    """How a recognised model is called, with what its file says of that beside the network."""
    family = FAMILIES[found.family](found, FORMATS[found.latent])
    if isinstance(family, UnClip):
        return replace(family, augmentor=augmentor_of(tensors, (found.unet.vector or 0) // 2))
    return family


def levels_of(found: Recognised) -> Levels:
    """How a recognised model counts its levels of noise."""
    if found.family == "upscaler":
        return LEVELS
    if found.levels is None:
        return DiscreteLevels(zero_terminal=found.zero_terminal)
    return EdmLevels(*found.levels)


def parameterisation_of(found: Recognised) -> Parameterisation:
    """What a recognised model's output means."""
    if found.prediction == "edm":
        return parameterisation.edm(found.sigma_data)
    return parameterisation.V if found.prediction == "v" else parameterisation.EPSILON


def _vae(tensors: Tensors, placement: Placement) -> Vae:
    return Vae(load_autoencoder(tensors, placement.device, placement.vae_dtype))
