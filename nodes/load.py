"""Nodes that read models from disk. What was read lately is kept, so that a changed prompt does not read it again."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from engine.api import Choice, Clip, Model, Option, Vae, deferred, node
from engine.weights import folders

if TYPE_CHECKING:
    from engine.device.place import Placement

with deferred():
    import torch

    from engine.device import place
    from engine.diffusion.families import diffusers_folder, load, training_config
    from engine.weights import shelf

Device = Annotated[Literal["default", "cpu"], Option(advanced=True)]
Checkpoint = Annotated[str, Choice(folders.listing("checkpoints"))]
TextEncoder = Annotated[str, Choice(folders.listing("text_encoders"))]
ClipType = Literal[
    "stable_diffusion",
    "stable_cascade",
    "sd3",
    "stable_audio",
    "mochi",
    "ltxv",
    "pixart",
    "cosmos",
    "lumina2",
    "wan",
    "hidream",
    "chroma",
    "ace",
    "omnigen2",
    "qwen_image",
    "hunyuan_image",
]


class Loaded(NamedTuple):
    model: Model
    clip: Clip | None
    vae: Vae | None


@node("loaders", id="CheckpointLoaderSimple", title="Load Checkpoint")
def checkpoint_loader_simple(ckpt_name: Checkpoint) -> Loaded:
    """Load a checkpoint: the model that denoises, its text encoders and its VAE."""
    path = folders.current().require("checkpoints", ckpt_name)
    found = shelf.current().get(lambda: load.load_checkpoint(path), (path,), "checkpoint", place.current())
    return Loaded(found.model, found.clip, found.vae)


@node("advanced/loaders", id="CheckpointLoader", title="Load Checkpoint With Config (DEPRECATED)", deprecated=True)
def checkpoint_loader(config_name: Annotated[str, Choice(folders.listing("configs"))], ckpt_name: Checkpoint) -> Loaded:
    """Load a checkpoint, and take from a training configuration what its network predicts."""
    path = folders.current().require("checkpoints", ckpt_name)
    prediction = training_config.prediction_of(folders.current().require("configs", config_name))
    found = shelf.current().get(lambda: load.load_checkpoint(path), (path,), "checkpoint", place.current())
    return Loaded(replace(found.model, parameterisation=prediction), found.clip, found.vae)


@node("advanced/loaders", id="UNETLoader", title="Load Diffusion Model")
def unet_loader(
    unet_name: Annotated[str, Choice(folders.listing("diffusion_models"))],
    weight_dtype: Literal["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"],
) -> Model:
    """Load the model that denoises from a file of its own, its weights optionally kept in 8 bits to save memory."""
    path = folders.current().require("diffusion_models", unet_name)
    kept_in = {"default": None, "fp8_e5m2": torch.float8_e5m2}.get(weight_dtype, torch.float8_e4m3fn)
    return shelf.current().get(
        lambda: load.load_diffusion_model(path, storage=kept_in), (path,), "network", kept_in, place.current()
    )


@node("advanced/loaders", id="CLIPLoader", title="Load CLIP")
def clip_loader(clip_name: TextEncoder, type: ClipType, device: Device | None = None) -> Clip:
    """Load the text encoder of an SD 1.x or 2.x model, or of the SDXL refiner, from a file of its own."""
    _check_type(type, "stable_diffusion")
    return _text_encoders([clip_name], device)


@node("advanced/loaders", id="DualCLIPLoader", title="DualCLIPLoader")
def dual_clip_loader(
    clip_name1: TextEncoder,
    clip_name2: TextEncoder,
    type: Literal["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"],
    device: Device | None = None,
) -> Clip:
    """Load SDXL's two text encoders, CLIP-L and CLIP-G in any order, from files of their own."""
    _check_type(type, "sdxl")
    return _text_encoders([clip_name1, clip_name2], device)


@node("loaders", id="VAELoader", title="Load VAE")
def vae_loader(vae_name: Annotated[str, Choice(folders.listing("vae"))]) -> Vae:
    """Load a VAE from a file of its own."""
    path = folders.current().require("vae", vae_name)
    return shelf.current().get(lambda: load.load_vae(path), (path,), "vae", place.current())


@node("advanced/loaders/deprecated", id="DiffusersLoader", title="DiffusersLoader")
def diffusers_loader(model_path: Annotated[str, Choice(folders.listing("diffusers"))]) -> Loaded:
    """Load a model in the folder layout of diffusers."""
    folder = folders.current().require("diffusers", model_path)
    files = diffusers_folder.part_files(folder)
    found = shelf.current().get(
        lambda: diffusers_folder.load_diffusers_folder(folder), files, "folder", str(folder), place.current()
    )
    return Loaded(found.model, found.clip, found.vae)


def _text_encoders(names: list[str], device: str | None) -> Clip:
    paths = [folders.current().require("text_encoders", name) for name in names]
    placement: Placement = place.current()
    if device == "cpu":
        placement = replace(placement, device=torch.device("cpu"))
    return shelf.current().get(lambda: load.load_text_encoders(paths, placement), tuple(paths), "text", placement)


def _check_type(type: str, supported: str) -> None:
    if type != supported:
        msg = f"text encoders of the type {type!r} cannot be loaded today; the type {supported!r} can"
        raise ValueError(msg)
