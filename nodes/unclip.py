"""Nodes that let unCLIP models follow pictures."""

from typing import Annotated, NamedTuple

from engine.api import Choice, Clip, ClipVision, ClipVisionOutput, Conditioning, Model, Number, Vae, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import conditioning as conditionings
    from engine.diffusion.families import load, vision_files
    from engine.weights import shelf


class Loaded(NamedTuple):
    model: Model
    clip: Clip | None
    vae: Vae | None
    clip_vision: ClipVision | None


@node("loaders", id="unCLIPCheckpointLoader", title="unCLIPCheckpointLoader")
def unclip_checkpoint_loader(ckpt_name: Annotated[str, Choice(folders.listing("checkpoints"))]) -> Loaded:
    """Load an unCLIP checkpoint: model, text encoder, VAE, and the encoder whose view of pictures it follows."""
    path = folders.current().require("checkpoints", ckpt_name)
    placement, kept = place.current(), shelf.current()
    found = kept.get(lambda: load.load_checkpoint(path), (path,), "checkpoint", placement)
    eye = kept.get(lambda: vision_files.find_vision(path), (path,), "clip vision", placement)
    return Loaded(found.model, found.clip, found.vae, eye)


@node("conditioning", id="unCLIPConditioning", title="unCLIPConditioning")
def unclip_conditioning(
    conditioning: Conditioning,
    clip_vision_output: ClipVisionOutput,
    strength: Annotated[float, Number(-10.0, 10.0, step=0.01)] = 1.0,
    noise_augmentation: Annotated[float, Number(0.0, 1.0, step=0.01)] = 0.0,
) -> Conditioning:
    """Add a picture for an unCLIP model to follow: the more noise, the more freely."""
    if strength == 0:
        return conditioning
    return conditionings.with_picture(conditioning, clip_vision_output, strength, noise_augmentation)
