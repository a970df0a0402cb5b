"""Nodes that load upscale models, and enlarge pictures with them."""

from typing import Annotated

from engine.api import Choice, Image, UpscaleModel, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.pictures import upscale
    from engine.weights import shelf
    from engine.weights import upscale_model as upscale_models

ModelName = Annotated[str, Choice(folders.listing("upscale_models"))]


@node("loaders", id="UpscaleModelLoader", title="Load Upscale Model", spells_combo=True)
def upscale_model_loader(model_name: ModelName) -> UpscaleModel:
    """Load an upscale model such as ESRGAN, Real-ESRGAN, Compact or SwinIR."""
    path = folders.current().require("upscale_models", model_name)
    return shelf.current().get(
        lambda: upscale_models.load_upscale_model(path), (path,), "upscale model", place.current()
    )


@node("image/upscaling", id="ImageUpscaleWithModel", title="Upscale Image (using Model)", spells_combo=True)
def image_upscale_with_model(upscale_model: UpscaleModel, image: Image) -> Image:
    """Enlarge images by the scale of an upscale model, in tiles of 512 pixels, or smaller where memory is short."""
    device = place.current().device
    return upscale.upscale(upscale_model.to(device), image, device)  # node packs move models about
