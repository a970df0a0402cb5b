"""Nodes that let an encoder look at pictures."""

from typing import Annotated, Literal

from engine.api import Choice, ClipVision, ClipVisionOutput, Image, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import vision
    from engine.diffusion.families import vision_files
    from engine.weights import shelf


@node("loaders", id="CLIPVisionLoader", title="Load CLIP Vision")
def clip_vision_loader(clip_name: Annotated[str, Choice(folders.listing("clip_vision"))]) -> ClipVision:
    """Load an encoder that sees pictures: a CLIP vision model or a SigLIP."""
    path = folders.current().require("clip_vision", clip_name)
    return shelf.current().get(lambda: vision_files.load_vision(path), (path,), "clip vision", place.current())


@node("conditioning", id="CLIPVisionEncode", title="CLIP Vision Encode")
def clip_vision_encode(
    clip_vision: ClipVision,  # None where an unCLIP checkpoint has none
    image: Image,
    crop: Literal["center", "none"],
) -> ClipVisionOutput:
    """Let an encoder look at a picture: at its centre, or with "none" at all of it squeezed into a square."""
    return vision.required(clip_vision).encode_image(image, crop=crop == "center")
