"""A model in the folder layout of diffusers: one folder per part, each with its tensors in one file or in shards."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.device import memory, place
from engine.device.place import Placement
from engine.diffusion.families.autoencoder import load_autoencoder
from engine.diffusion.families.load import Checkpoint, build_model
from engine.diffusion.families.text_parts import clip_of_files
from engine.diffusion.families.unclip import Augmentor, UnClip
from engine.diffusion.model import Model
from engine.diffusion.vae import Vae
from engine.weights.read import Tensors, joined, open_tensors
from engine.weights.recognise import Recognised, recognise

_STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")


def load_diffusers_folder(folder: Path, placement: Placement | None = None) -> Checkpoint:
    """Load the model in a folder that holds a `model_index.json`.

    Raises FileNotFoundError where its network is missing, BadFile for what cannot be loaded, and OutOfMemory.
    """
    placement = placement or place.current()
    network = _tensors(folder / "unet")
    if network is None:
        msg = f"{folder} holds no network: wanted is {folder / 'unet' / _STEMS[0]}.safetensors"
        raise FileNotFoundError(msg)
    found = _as_scheduled(recognise(network), folder / "scheduler" / "scheduler_config.json")
    with memory.named_shortage(f"loading {folder.name}", placement.device):
        model = _normalising(build_model(network, found, placement), _tensors(folder / "image_normalizer"))
        texts = [each for part in ("text_encoder", "text_encoder_2") if (each := _tensors(folder / part))]
        clip = clip_of_files(texts, placement) if texts else None
        pictures = _tensors(folder / "vae")
        vae = Vae(load_autoencoder(pictures, placement.device, placement.vae_dtype)) if pictures else None
    return Checkpoint(model, clip, vae)


def _normalising(model: Model, tensors: Tensors | None) -> Model:
    """An unCLIP model with what its folder says of the vectors of pictures."""
    if tensors is None or not isinstance(model.family, UnClip):
        return model
    augmentor = Augmentor(*(tensors[name].float().reshape(1, -1) for name in ("mean", "std")))
    return replace(model, family=replace(model.family, augmentor=augmentor))


def part_files(folder: Path) -> tuple[Path, ...]:
    """All files of weights in a model's folder."""
    return tuple(sorted(path for path in folder.glob("*/*") if path.suffix in (".safetensors", ".bin")))


def _tensors(folder: Path) -> Tensors | None:
    """The tensors of one part; None where the folder holds none."""
    files = _files(folder)
    return joined([open_tensors(path) for path in files]) if files else None


def _files(folder: Path) -> Sequence[Path]:
    """The file of a part, or its shards; safetensors before pickles, the plain name before one with a variant."""
    for suffix in (".safetensors", ".bin"):
        for stem in _STEMS:
            for name in (stem, f"{stem}.fp16"):
                if (path := folder / (name + suffix)).is_file():
                    return [path]
            if shards := sorted(folder.glob(f"{stem}-*-of-*{suffix}")):
                return shards
    return []


def _as_scheduled(found: Recognised, config: Path) -> Recognised:
    """What the folder's scheduler says of the network's output goes before what the tensors tell."""
    try:
        said: Any = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError):
        return found
    if not isinstance(said, dict) or said.get("prediction_type") not in ("epsilon", "v_prediction"):
        return found
    prediction = "v" if said["prediction_type"] == "v_prediction" else "epsilon"
    return replace(found, prediction=prediction, zero_terminal=bool(said.get("rescale_betas_zero_snr")))
